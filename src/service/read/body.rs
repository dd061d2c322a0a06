//! Bodies that are read to be stored, and requests whose responses never are.

use crate::engine::Plan;
use crate::http::Method;
use crate::policy::NotStored;
use crate::service::context::Context;
use crate::service::runtime::{BodyRead, Origin, OriginResponse, Runtime};
use std::rc::Rc;

/// A body that was read whole, or why there is none.
pub fn whole(read: BodyRead) -> Result<Rc<[u8]>, NotStored> {
    match read {
        BodyRead::Whole(body) => Ok(body),
        BodyRead::TooLarge => Err(NotStored::TooLarge),
        BodyRead::NoRoom => Err(NotStored::MemoryInFlight),
        BodyRead::Broken => Err(NotStored::Broken),
    }
}

/// Reads a body of at most `limit` bytes.
pub async fn read_whole(
    origin: &impl Origin,
    response: &OriginResponse,
    limit: usize,
) -> Result<Rc<[u8]>, NotStored> {
    whole(origin.response_body(response.handle, limit).await)
}

/// Fails if the response to a request may not be stored, whatever it is.
pub fn may_store<R: Runtime>(context: &Context<R>, plan: &Plan) -> Result<(), NotStored> {
    if context.request.method == Method::Head {
        return Err(NotStored::Method);
    }
    if plan.client_directives(&context.request.headers).no_store {
        return Err(NotStored::RequestNoStore);
    }
    Ok(())
}
