use super::*;
use proptest::prelude::*;

fn known(names: &[&str]) -> TypeNameIndex {
    let mut known = TypeNameIndex::new();
    for name in names {
        known.entry(name.to_lowercase().replace('_', "")).or_default().insert((*name).to_owned());
    }
    known
}

#[test]
fn names_of_each_convention_mean_types() {
    let known = known(&["Product", "companies", "directus_users", "blog_post_Entry", "OrderItem"]);
    for (field, candidates) in [
        ("update_users_me", "directus_users"),
        ("update_companies_item", "companies"),
        ("create_companies_items", "companies"),
        ("update_companies_batch", "companies"),
        ("delete_companies_items", "companies"),
        ("insert_companies_one", "companies"),
        ("delete_companies_by_pk", "companies"),
        ("upsertProduct", "Product"),
        ("productCreateMany", "Product"),
        ("updateOneProduct", "Product"),
        ("deleteManyProduct", "Product"),
        ("product_create", "Product"),
        ("updateProductByNodeId", "Product"),
        ("updateProductBySku", "Product"),
        ("forceDeleteProduct", "Product"),
        ("duplicateProduct", "Product"),
        ("insertIntoProductsCollection", "Product"),
        ("deleteFromProductsCollection", "Product"),
        ("save_blog_post_Entry", "blog_post_Entry"),
        ("createOrderItem", "OrderItem"),
        ("create_order_item", "OrderItem"),
    ] {
        let found = candidate_types(field, &known);
        assert!(found.any_known && found.names.contains(candidates), "{field}: {found:?}");
    }
}

#[test]
fn another_reading_of_a_name_adds_and_takes_nothing_away() {
    // A table `orders_items`, or the items of a collection `orders`.
    let found = candidate_types("update_orders_items", &TypeNameIndex::new()).names;
    for name in ["orders_items", "OrdersItem", "orders", "Order"] {
        assert!(found.contains(name), "{name}: {found:?}");
    }
    // An order item is a type of its own, so that `Order` alone is not enough.
    for field in ["createOrderItem", "update_order_items", "createProductCollection"] {
        assert!(!candidate_types(field, &known(&["Order", "Product"])).any_known, "{field}");
    }
    for field in ["login", "delete", "updateMe", "me", "_", ""] {
        assert!(!candidate_types(field, &known(&["Product", "Order"])).any_known, "{field}");
    }
}

#[test]
fn a_list_is_named_after_a_type_or_not() {
    for (field, type_name) in [
        ("products", "Product"),
        ("product", "Product"),
        ("allProducts", "ProductType"),
        ("featured_products", "ProductNode"),
        ("products", "products"),
        ("productsConnection", "Product"),
        ("products_connection", "Product"),
        ("products_aggregate", "products"),
        ("productsByCategoryId", "Product"),
        ("productList", "Product"),
        ("articles", "ArticleEntity"),
        ("categories", "Category"),
        ("people", "Person"),
        ("orderLines", "OrderLine"),
    ] {
        assert!(is_named_after(field, type_name, None), "{field} {type_name}");
    }
    for (field, type_name) in [
        ("contentNodes", "Page"),
        ("nodes", "Page"),
        ("search", "Product"),
        ("entries", "blog_post_Entry"),
        ("media", "MediaImage"),
        ("products", "SimpleProduct"),
        ("lines", "OrderLine"),
        ("followers", "User"),
        ("byUser", "User"),
        ("postsPerUser", "User"),
        ("productCategories", "Product"),
        ("", "Product"),
        ("products", ""),
    ] {
        assert!(!is_named_after(field, type_name, None), "{field} {type_name}");
    }
    assert!(is_named_after("lines", "OrderLine", Some("Order")));
    assert!(is_named_after("variants", "ProductVariant", Some("ProductType")));
    assert!(!is_named_after("lines", "OrderLine", Some("Invoice")));
}

proptest! {
    #[test]
    fn any_name_can_be_read(field in "[_A-Za-z0-9]{0,40}", type_name in "[_A-Za-z0-9]{0,20}") {
        let none = TypeNameIndex::new();
        let candidates = candidate_types(&field, &none);
        prop_assert!(!candidates.any_known);
        let _ = (is_bulk(&field), is_creation(&field), is_aggregate(&field));
        let _ = is_named_after(&field, &type_name, Some(&type_name));
    }

    /// Known types only add candidates.
    #[test]
    fn known_types_add(field in "[a-z]{1,8}(_[a-z]{1,8}){0,3}", others in "[A-Za-z_]{1,12}") {
        let without = candidate_types(&field, &TypeNameIndex::new()).names;
        let with = candidate_types(&field, &known(&[&others])).names;
        prop_assert!(without.is_subset(&with));
    }
}
