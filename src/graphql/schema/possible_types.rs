//! The possible types of interfaces and unions.

use super::grouped_rows::GroupedRows;
use super::type_id::{TypeId, TypeKind};
use crate::limits;
use crate::order;

/// The possible types of each type (GraphQL §5.5.2.3 GetPossibleTypes), in order: the objects that
/// implement an interface, directly or through another interface, and the members of a union.
/// `None` if a limit is exceeded.
///
/// `links` holds the interfaces of objects and interfaces, and the members of unions. In a valid
/// schema, an object also names the interfaces of its interfaces; here they count even if it does
/// not.
pub(super) fn possible_types(
    kinds: &[TypeKind],
    links: &GroupedRows<TypeId>,
) -> Option<GroupedRows<TypeId>> {
    let mut pairs: Vec<(TypeId, TypeId)> = Vec::new();
    // The last object from which each type was reached, because interfaces may form a cycle.
    let mut reached_from: Vec<Option<TypeId>> = vec![None; kinds.len()];
    let mut pending: Vec<TypeId> = Vec::new();
    let mut steps = 0_usize;
    for (at, kind) in kinds.iter().enumerate() {
        let id = TypeId::at(at)?;
        match kind {
            TypeKind::Union => pairs.extend(links.get(at).iter().map(|member| (id, *member))),
            TypeKind::Object => {
                pending.extend(links.get(at));
                while let Some(interface) = pending.pop() {
                    let seen = reached_from.get_mut(interface.index())?;
                    if seen.replace(id) == Some(id) {
                        continue;
                    }
                    let above = links.get(interface.index());
                    steps += 1 + above.len();
                    if steps > limits::SCHEMA_STEPS || pairs.len() >= limits::SCHEMA_FIELDS {
                        return None;
                    }
                    pairs.push((interface, id));
                    pending.extend(above);
                }
            }
            TypeKind::Interface | TypeKind::Leaf | TypeKind::Input => {}
        }
    }
    if pairs.len() > limits::SCHEMA_FIELDS {
        return None;
    }
    order::sort(&mut pairs);
    let mut groups = GroupedRows::new();
    let mut pairs = pairs.into_iter().peekable();
    for at in 0..kinds.len() {
        let id = TypeId::at(at)?;
        while let Some((_, object)) = pairs.next_if(|(of, _)| *of == id) {
            groups.push(object);
        }
        groups.close();
    }
    Some(groups)
}
