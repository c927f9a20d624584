//! One call: path and height metadata in, message and height metadata out.

use std::{future::Future, pin::Pin, sync::Arc};

use axum::http;
use bytes::Bytes;
use tonic::{
    Code, Request, Response, Status,
    body::Body,
    metadata::{MetadataMap, MetadataValue},
    server::{Grpc, UnaryService},
};

use super::{MAX_MESSAGE_BYTES, codec::BytesCodec};
use crate::rpc::{
    services::{HEIGHT_HEADER, Services},
    status,
};

struct Call {
    services: Arc<Services>,
    path: String,
}

impl UnaryService<Bytes> for Call {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (services, path) = (self.services.clone(), self.path.clone());
        Box::pin(async move {
            let height = height(request.metadata())?;
            let reply = services.call(&path, request.into_inner(), height).await.map_err(status_of)?;
            let mut response = Response::new(reply.value);
            response.metadata_mut().insert(HEIGHT_HEADER, MetadataValue::from(reply.height));
            Ok(response)
        })
    }
}

pub async fn answer(services: Arc<Services>, request: http::Request<Body>) -> http::Response<Body> {
    let path = request.uri().path().to_string();
    Grpc::new(BytesCodec).max_decoding_message_size(MAX_MESSAGE_BYTES).unary(Call { services, path }, request).await
}

fn height(metadata: &MetadataMap) -> Result<u64, Status> {
    let Some(value) = metadata.get(HEIGHT_HEADER) else { return Ok(0) };
    let parsed = value.to_str().ok().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| Status::invalid_argument(format!("{HEIGHT_HEADER} is a decimal block height")))
}

fn status_of(status: status::Status) -> Status {
    Status::new(Code::from_i32(status.code as i32), status.message)
}
