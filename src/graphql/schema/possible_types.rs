//! Which objects are possible where an interface or a union is asked for.

use super::grouped_rows::GroupedRows;
use super::type_id::{TypeId, TypeKind};
use crate::limits;

/// For each type the objects that are possible there (GraphQL §5.5.2.3 GetPossibleTypes), in
/// order: for an interface those that implement it, also by way of another, and for a union its
/// members. None where they are over a limit.
///
/// `links` has what objects and interfaces implement, and the members of unions. A valid schema
/// names the interfaces of its interfaces at each object too; one that does not is read as if.
pub(super) fn possible_types(
    kinds: &[TypeKind],
    links: &GroupedRows<TypeId>,
) -> Option<GroupedRows<TypeId>> {
    let mut pairs: Vec<(TypeId, TypeId)> = Vec::new();
    // For each type the last object from which it was reached: interfaces may go in circles.
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
    pairs.sort_unstable();
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
