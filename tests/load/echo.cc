#include "tests/load/echo.h"

#include <grpcpp/impl/codegen/method_handler.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>

#include <cstdio>

#include "libs/rpc/tls.h"

namespace section55::load {
namespace {

class EchoService : public grpc::Service {
 public:
  explicit EchoService(size_t answer_bytes) {
    const grpc::Slice slice(std::string(answer_bytes, 'x'));
    answer_ = grpc::ByteBuffer(&slice, 1);
    AddMethod(new grpc::internal::RpcServiceMethod(
        kEchoMethod, grpc::internal::RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<EchoService, grpc::ByteBuffer, grpc::ByteBuffer>(
            [](EchoService* service, grpc::ServerContext*, const grpc::ByteBuffer*, grpc::ByteBuffer* response) {
              *response = service->answer_;
              return grpc::Status::OK;
            },
            this)));
  }

 private:
  grpc::ByteBuffer answer_;
};

}  // namespace

int ServeEcho(const std::string& certificates, size_t answer_bytes) {
  EchoService service(answer_bytes);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", rpc::ServerTls(certificates), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) {
    return 1;
  }
  std::printf("%d\n", port);
  std::fflush(stdout);
  server->Wait();
  return 0;
}

}  // namespace section55::load
