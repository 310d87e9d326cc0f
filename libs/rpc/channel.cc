#include "libs/rpc/channel.h"

#include "libs/rpc/tls.h"

namespace section55::rpc {

std::shared_ptr<grpc::Channel> ConnectToPeer(const std::string& address, const std::string& certificates) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // Despite its name, how long one attempt may take, handshake included: too little, and a busy peer is never reached.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  // A peer whose machine vanished sends no end of stream: without pings a follower would wait for ever.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(address, PeerTls(certificates), arguments);
}

}  // namespace section55::rpc
