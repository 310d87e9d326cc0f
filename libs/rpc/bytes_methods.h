// Methods that answer with a message as it is stored: in bytes, which are neither parsed nor serialised on their way out.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/method_handler.h>

#include <functional>
#include <string>
#include <utility>

#include "google/protobuf/descriptor.h"

namespace section55::rpc {

// A service as it was generated, some of whose methods are said in its constructor to answer in bytes.
template <typename Generated>
class BytesMethods : public Generated {
 protected:
  // `answer` is the serialised response. Called like a generated method, whose place it takes.
  template <typename Request>
  using Handler =
      std::function<grpc::Status(grpc::ServerContext* context, const Request* request, std::string* answer)>;

  template <typename Request>
  void AnswerInBytes(const google::protobuf::MethodDescriptor& method, Handler<Request> handler) {
    // What the library has for putting another handler in the place of a generated one. Its name says what it was made for; what kind of
    // method this is, the server learns from the descriptor.
    this->MarkMethodStreamed(method.index(),
                             new grpc::internal::RpcMethodHandler<Generated, Request, grpc::ByteBuffer>(
                                 [handler = std::move(handler)](Generated*, grpc::ServerContext* context,
                                                                const Request* request, grpc::ByteBuffer* answer) {
                                   std::string bytes;
                                   const grpc::Status status = handler(context, request, &bytes);
                                   if (status.ok()) {
                                     const grpc::Slice slice(bytes);
                                     *answer = grpc::ByteBuffer(&slice, 1);
                                   }
                                   return status;
                                 },
                                 this));
  }
};

}  // namespace section55::rpc
