use super::*;

fn read(body: &Value) -> Result<WarmCommand, BodyError> {
    let host = Url::parse("https://shop.example/__evergraph/warm").unwrap();
    read_warm(&host, body.to_string().as_bytes())
}

fn listed(body: &Value) -> Vec<WarmRequest> {
    match read(body).unwrap().requests {
        WarmRequests::Listed(requests) => requests,
        top => panic!("{top:?}"),
    }
}

fn path_of(body: &Value) -> String {
    read(body).unwrap_err().path
}

#[test]
fn requests_are_read_as_clients_send_them() {
    let requests = listed(&json!({ "requests": [
        { "url": "/a?b=1", "headers": { "X-A": ["1", "2"], "If-None-Match": "x", "Range": "y" } },
        { "url": "https://shop.example/graphql", "body": { "query": "{ a }" } },
        { "url": "/graphql", "method": "POST", "body": "text", "headers": { "accept": "a/b" } },
    ] }));
    let of = |n: usize| &requests[n].request;
    assert_eq!((of(0).method.as_str(), of(0).url.target()), ("GET", "/a?b=1".to_owned()));
    let headers: Vec<_> = of(0).headers.iter().collect();
    assert_eq!(headers, [("x-a", "1"), ("x-a", "2"), ("accept", "*/*")]);
    assert_eq!(
        (of(1).method.as_str(), of(1).url.origin()),
        ("POST", "https://shop.example".into())
    );
    assert_eq!(requests[1].body, br#"{"query":"{ a }"}"#);
    assert_eq!(of(1).headers.get("content-type"), Some("application/json"));
    assert_eq!(
        (of(2).headers.get("accept"), &*requests[2].body),
        (Some("a/b"), b"text".as_slice())
    );
}

#[test]
fn a_list_is_read_like_an_object_with_nothing_but_requests() {
    let items = json!([{ "url": "/a" }, { "url": "/b", "body": "text" }]);
    let command = read(&items).unwrap();
    assert_eq!((command.at_once, command.budget), (AT_ONCE, WarmBudget::default()));
    let json_of = |body: &Value| -> Vec<Value> {
        listed(body).into_iter().map(|request| request.json).collect()
    };
    assert_eq!(json_of(&items), json_of(&json!({ "requests": items })));
    assert_eq!(listed(&json!([])).len(), 0);
    let host = Url::parse("https://shop.example/").unwrap();
    let twice = read_warm(&host, br#"[{ "url": "/a", "url": "/b" }]"#);
    assert!(twice.unwrap_err().message.contains("one name"));
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    let request = |request: Value| json!({ "requests": [{ "url": "/" }, request] });
    for (body, path) in [
        (json!({}), ""),
        (json!("/"), ""),
        (json!([{ "url": "/" }, { "url": 1 }]), "[1].url"),
        (json!(["/"]), "[0]"),
        (json!(vec![json!({ "url": "/" }); 1_001]), ""),
        (json!({ "requests": [], "top": 5 }), "top"),
        (json!({ "requests": {} }), "requests"),
        (json!({ "requests": vec![json!({ "url": "/" }); 1_001] }), "requests"),
        (json!({ "top": 0 }), "top"),
        (json!({ "top": 201 }), "top"),
        (json!({ "top": 5, "concurrency": 7 }), "concurrency"),
        (json!({ "top": 5, "budget": 3 }), "budget"),
        (json!({ "top": 5, "budget": { "requests": -1 } }), "budget.requests"),
        (json!({ "top": 5, "budget": { "writes": 1 } }), "budget.writes"),
        (json!({ "top": 5, "more": 1 }), "more"),
        (request(json!("/")), "requests[1]"),
        (request(json!({})), "requests[1].url"),
        (request(json!({ "url": 1 })), "requests[1].url"),
        (request(json!({ "url": "a" })), "requests[1].url"),
        (request(json!({ "url": "https://other.example/" })), "requests[1].url"),
        (request(json!({ "url": "http://shop.example/" })), "requests[1].url"),
        (request(json!({ "url": "//other.example/" })), "requests[1].url"),
        (request(json!({ "url": "/", "method": "PUT" })), "requests[1].method"),
        (request(json!({ "url": "/", "headers": [] })), "requests[1].headers"),
        (request(json!({ "url": "/", "headers": { "a": 1 } })), "requests[1].headers.a"),
        (request(json!({ "url": "/", "headers": { "a b": "1" } })), "requests[1].headers.a b"),
        (request(json!({ "url": "/", "headers": { "a": "1\n2" } })), "requests[1].headers.a"),
        (request(json!({ "url": "/", "query": "{ a }" })), "requests[1].query"),
    ] {
        assert_eq!(path_of(&body), path, "{body}");
    }
}

#[test]
fn the_body_for_what_is_left_is_read_as_it_was_written() {
    let items = vec![json!({ "url": "/a" }), json!({ "url": "/b", "method": "GET" })];
    let budget = WarmBudget { requests: Some(3), kv_writes: None };
    let body = warm_body(items.clone(), 4, budget);
    let command = read(&body).unwrap();
    assert_eq!((command.at_once, command.budget), (4, budget));
    let left: Vec<Value> = listed(&body).into_iter().map(|request| request.json).collect();
    assert_eq!(left, items);
    assert!(warm_body(items, 1, WarmBudget::default()).get("budget").is_none());
}

#[test]
fn a_request_is_made_of_its_parts() {
    let host = Url::parse("https://shop.example/").unwrap();
    let headers = [("x-a".to_owned(), "1".to_owned()), ("x-a".to_owned(), "2".to_owned())];
    let made = warm_request(&host, ("POST", "/graphql"), &headers, Some("{}")).unwrap();
    assert_eq!(made.request.headers.get_all("x-a").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!((made.request.method.as_str(), &*made.body), ("POST", b"{}".as_slice()));
    assert!(warm_request(&host, ("PUT", "/"), &[], None).is_none());
    let again = read_request(&host, "", &made.json).unwrap();
    assert_eq!(again.request.url, made.request.url);
}
