// gRPC server reflection, v1 and its predecessor v1alpha: what lets grpcurl and other tools list services and describe messages. gRPC itself
// brings only v1alpha, which newer tools ask for last or not at all; and it keeps a thread for each stream, of which anybody may open
// many, as reflection asks nobody who they are.
#pragma once

#include <grpcpp/server_builder.h>

namespace section55::rpc {

// Makes the server that `builder` builds describe all of its services, and every type that is linked into the program. Holds no thread
// for a stream that is open. Call once for each builder.
void RegisterReflection(grpc::ServerBuilder& builder);

}  // namespace section55::rpc
