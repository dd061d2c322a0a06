//! `POST pause` and `POST resume`

use super::body::{error, invalid, read_body};
use super::components::Admin;
use crate::admin::{BodyError, PauseRecorded, ResumeRecorded, read_pause, read_resume};
use crate::http::Response;
use crate::limits;
use crate::purge::{Pause, Seq};
use crate::service::context::Context;
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;

/// Pauses the cache for all isolates: for a time, or until it is resumed.
pub async fn pause<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let now = context.runtime.now();
    match change(admin, context, |body| read_pause(body, now)).await {
        Ok((seq, pause)) => {
            let until = pause.ends_at().map(|at| at.as_millis());
            json_response(200, &PauseRecorded { seq, until })
        }
        Err(response) => response,
    }
}

/// Ends the pause for all isolates.
pub async fn resume<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    match change(admin, context, read_resume).await {
        Ok((seq, _)) => json_response(200, &ResumeRecorded { seq }),
        Err(response) => response,
    }
}

async fn change<R: Runtime>(
    admin: &Admin,
    context: &Context<R>,
    read: impl FnOnce(&[u8]) -> Result<Pause, BodyError>,
) -> Result<(Seq, Pause), Response> {
    let runtime = &context.runtime;
    let body = read_body(runtime, limits::ADMIN_BODY_BYTES, "the body has at most 1 MiB").await?;
    let pause = read(&body).map_err(|bad| invalid(&bad.message, &bad.path))?;
    match admin.purges.recorder.record_pause(runtime, pause).await {
        Ok(record) => Ok((record.seq, pause)),
        Err(_) => Err(error(
            503,
            "the purge log did not take it; send it again. After a deployment it may take a minute",
        )),
    }
}
