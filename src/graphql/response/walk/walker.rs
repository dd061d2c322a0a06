//! Walks a response's data along its selections, and collects its tags.
//!
//! An object that shows an id is an entity. Any other object may describe entities that it does not
//! show: it may be a count, a page or an aggregate. What it depends on is decided by its position:
//! by the entities in it, or by the schema. If neither helps, the response is untyped.

use super::object_kinds::{ObjectKinds, ShownObject};
use super::position::{Contents, FieldPath, LooseScalars, Position, TypeNames, shape_address};
use super::state::Walk;
use crate::graphql::document::ast::OperationKind;
use crate::graphql::document::layout::{Layout, Member, Prepared};
use crate::graphql::document::shape::{Shape, ShapeField};
use crate::graphql::injection::reserved_keys::RESERVED_PREFIX;
use crate::graphql::schema::{FieldInfo, Schema, TypeId, TypeKind};
use crate::graphql::types::reachable_entities::few_possible_types;
use crate::json::{Object, Place, Value};

impl<'k> Walk<'k> {
    pub(super) fn root(&mut self, data: Object<'_>, shape: &'k Shape) {
        let root = self.knowledge.schema.and_then(|schema| schema.root(OperationKind::Query));
        for (member, value) in Layout::of(data, shape).values(data) {
            match member.field {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    let path = FieldPath::to(field);
                    let info = self.field_of(root, field);
                    let position = Position::of_field(field, info, path);
                    if self.value(value, inner, position).loose != LooseScalars::None {
                        self.note_unknown_type();
                    }
                }
                Some(ShapeField { name: Some(name), .. }) if name == "__typename" => {}
                // A root field without selections depends on something that has no name.
                _ => self.note_unknown_type(),
            }
        }
    }

    fn value<'v>(
        &mut self,
        value: Value<'v>,
        shape: &'k Shape,
        position: Position<'_>,
    ) -> Contents<'v>
    where
        'k: 'v,
    {
        match value {
            Value::Object(object) => return self.object(object, shape, position),
            Value::Array(items) if !items.is_empty() => {
                let mut contents = Contents::default();
                let siblings_show_scalars = items.iter().any(|item| {
                    item.as_object().is_some_and(|object| {
                        let found = self.layout(object, shape);
                        leaves(object, &found.layout).any(|leaf| !leaf.is_null())
                    })
                });
                for item in items.iter() {
                    contents.add(self.value(
                        item,
                        shape,
                        Position { siblings_show_scalars, ..position.in_list() },
                    ));
                }
                return contents;
            }
            Value::Null => {
                return Contents::of_loose(self.empty_value(
                    shape,
                    position.info,
                    position.in_list,
                ));
            }
            Value::Array(_) => {
                return Contents::of_loose(self.empty_value(shape, position.info, true));
            }
            // A scalar in the place of an object has no known type.
            _ => self.note_unknown_type(),
        }
        Contents::default()
    }

    fn object<'v>(
        &mut self,
        object: Object<'v>,
        shape: &'k Shape,
        position: Position<'_>,
    ) -> Contents<'v>
    where
        'k: 'v,
    {
        let Position { info, in_list, .. } = position;
        let found = self.layout(object, shape);
        let layout = &found.layout;
        let shown_type = found.prepared.types.read(object);
        let schema = self.knowledge.schema;
        let name = shown_type.or(self.type_by_schema(shown_type, info));
        let is_entity = match name {
            Some(name) => {
                self.apply_type_hint(name, info);
                let is_entity = (self.entity(name, object, &found, in_list)
                    && !self.is_aggregate(position.path.field))
                    || self.is_entity_by_field_name(name, object, layout, position);
                self.tag_alternatives(name, is_entity, shape, position);
                is_entity
            }
            None => {
                self.note_unknown_type();
                false
            }
        };
        let of = name.and_then(|name| schema?.type_named(name));
        let parent = of.filter(|_| shown_type.is_some()).or_else(|| info.map(|info| info.type_id));
        if let Some(name) = name.filter(|_| is_entity) {
            let path = FieldPath { owner: Some(name), ..position.path };
            let contents = self.fields(object, layout, parent, Position { path, ..position }, true);
            if contents.loose != LooseScalars::None {
                self.tag_reachable_from_entity(of);
            }
            return Contents { entities: TypeNames::of(name), loose: LooseScalars::None };
        }
        let path = FieldPath { wrapper: name, ..position.path };
        let mut contents =
            self.fields(object, layout, parent, Position { path, ..position }, false);
        if contents.loose != LooseScalars::None && self.attribute(of, &contents, path, shape) {
            contents.loose = LooseScalars::None;
        }
        contents
    }

    /// The type of an object by its field, if that is an object type. Notes if the type that the
    /// object shows contradicts the schema.
    fn type_by_schema(
        &mut self,
        shown_type: Option<&str>,
        info: Option<FieldInfo>,
    ) -> Option<&'k str> {
        let (schema, info) = self.knowledge.schema.zip(info)?;
        let kind = schema.kind(info.type_id);
        self.facts.contradicts_schema |= kind.is_composite()
            && shown_type.is_some_and(|name| !schema.is_possible_type(info.type_id, name));
        let name = (kind == TypeKind::Object).then(|| schema.name(info.type_id));
        self.facts.by_schema |= shown_type.is_none() && name.is_some();
        name
    }

    /// Walks the fields of an object. The scalars of an entity describe the entity itself.
    fn fields<'v>(
        &mut self,
        object: Object<'v>,
        layout: &Layout<'k>,
        parent: Option<TypeId>,
        position: Position<'_>,
        is_entity: bool,
    ) -> Contents<'v>
    where
        'k: 'v,
    {
        let mut contents = Contents::default();
        let holds = |field: &ShapeField| field.shape.is_some();
        if !is_entity && !layout.members().any(|(_, member)| member.field.is_some_and(holds)) {
            // The mere presence of the object is information, too.
            contents.loose = LooseScalars::NonNumeric;
        }
        for (member, place) in layout.places(object) {
            match member.field {
                Some(field @ ShapeField { shape: Some(inner), .. }) => {
                    let above = (!is_entity).then_some(&position.path);
                    let owner = position.path.owner;
                    let path = FieldPath { above, owner, ..FieldPath::to(field) };
                    let info = self.field_of(parent, field);
                    // An object that wraps an entity takes the entity's place in the list.
                    let in_list = position.in_list && !is_entity;
                    let position = Position { in_list, ..Position::of_field(field, info, path) };
                    contents.add(self.value(place.value(), inner, position));
                }
                Some(field) if is_entity || field.name.as_deref() == Some("__typename") => {}
                Some(_) => contents.loose = contents.loose.max(LooseScalars::of(place.value())),
                None if self.has_additions && member.name.starts_with(RESERVED_PREFIX) => {}
                None => self.note_unknown_type(),
            }
        }
        contents
    }

    /// Tags an object of a type. Returns `true` if it is an entity.
    fn entity(
        &mut self,
        name: &str,
        object: Object<'_>,
        found: &Prepared<'k, ObjectKinds>,
        in_list: bool,
    ) -> bool {
        let Self { facts, knowledge, has_additions, .. } = self;
        let (layout, has_additions) = (&found.layout, *has_additions);
        let shown = ShownObject { type_name: name, object, layout, in_list, has_additions };
        found.prepared.tag(facts, knowledge, &shown) || knowledge.is_entity_type(name)
    }

    /// `true` if an object without an id counts as an entity: no schema knows its type, its field
    /// is named after its type, it has only scalars, none of them is a number, and no wrapper holds
    /// it.
    ///
    /// `{ users { name } }` shows users. `pageInfo` and `pagination` are in wrappers, and counts
    /// are numbers. A single object such as `{ stats { bestSeller } }` does not count, because it
    /// may describe all objects of another type.
    fn is_entity_by_field_name(
        &self,
        name: &str,
        object: Object<'_>,
        layout: &Layout<'_>,
        Position { path, siblings_show_scalars, in_list, has_no_arguments, .. }: Position<'_>,
    ) -> bool {
        if has_no_arguments && !in_list && path.owner.is_none() {
            return false;
        }
        let in_schema =
            self.knowledge.schema.is_some_and(|schema| schema.type_named(name).is_some());
        if in_schema || path.above.is_some() || !path.is_named_after(name) {
            return false;
        }
        // A null may be a number the next time, unless other objects of the list show what it is.
        (siblings_show_scalars || leaves(object, layout).any(|leaf| !leaf.is_null()))
            && leaves(object, layout).next().is_some()
            && leaves(object, layout).all(|leaf| LooseScalars::of(leaf) == LooseScalars::NonNumeric)
    }

    /// Tags what a write could put in the object's place: in a list, any possible type; in a root
    /// field also, unless an id selects the object. A link from an entity changes only with the
    /// entity.
    fn tag_alternatives(
        &mut self,
        name: &str,
        is_entity: bool,
        shape: &Shape,
        position: Position<'_>,
    ) {
        if position.is_selected_by_id() || (!position.in_list && position.path.owner.is_some()) {
            return;
        }
        if let Some((schema, info)) = self.knowledge.schema.zip(position.info) {
            if matches!(schema.kind(info.type_id), TypeKind::Interface | TypeKind::Union) {
                self.tag_possible_types(schema, info.type_id, position.in_list);
            }
            return;
        }
        if !is_entity {
            return;
        }
        let entity_types = self.entity_types.entry(shape_address(shape)).or_default();
        if entity_types.contains(name) {
            return;
        }
        entity_types.insert(name.to_owned());
        self.facts.untyped |= entity_types.len() > 1
            || shape.has_other_type_condition(name)
            || (position.in_list && !position.path.is_named_after(name));
    }

    /// Tags all possible types of a field's type.
    fn tag_possible_types(&mut self, schema: &Schema, of: TypeId, in_list: bool) {
        if !self.tagged_types.insert((of, in_list)) {
            return;
        }
        let Some(possible) = few_possible_types(schema, of) else {
            self.facts.untyped = true;
            return;
        };
        self.facts.by_schema = true;
        for of in possible {
            self.tag_unseen_entity(schema.name(of), in_list);
        }
    }
}

/// The scalars of an object, except `__typename`.
fn leaves<'l, 'v: 'l>(
    object: Object<'v>,
    layout: &'l Layout<'_>,
) -> impl Iterator<Item = Value<'v>> + 'l {
    let is_leaf =
        |field: &ShapeField| field.shape.is_none() && field.name.as_deref() != Some("__typename");
    let leaf = move |(member, place): (&Member<'_>, Place<'v>)| {
        member.field.is_some_and(is_leaf).then(|| place.value())
    };
    layout.places(object).filter_map(leaf)
}
