// How many calls one connection has open, counted from the moment their headers arrive.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/auth_metadata_processor.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/base/log_limit.h"

namespace section55::rpc {

// gRPC 1.51 holds its limit of streams (SETTINGS_MAX_CONCURRENT_STREAMS) only against clients that acknowledge it, and forgets a stream
// when it is reset, though its call lives on until a handler takes it. Handlers see a call only when its request has come. This sees every
// call when its headers have: a place in the library that is meant for checking tokens. What is too much is refused there and then, before
// it takes a thread or waits for one, with a line in the log; so is a method that does not exist.
//
// A call that its caller gives up before the request has arrived is never seen again; so each connection is forgiven one a second.
// Thread-safe.
class StreamLimit : public grpc::AuthMetadataProcessor {
 public:
  // `methods`, "/section55.authoring.v1.ResponseAuthoring/GetResponse", end with Ended; others, of the library's own services
  // or of none, do not, so of them a connection may begin `most` at once and an eighth of that each second.
  StreamLimit(int most, absl::flat_hash_set<std::string> methods);

  // The library's.
  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata* consumed,
                       OutputMetadata* response) override;

  // Which connection a call came over; negative: none that is counted, as in process. Cheap enough for every call.
  static int ConnectionOf(const grpc::ServerContext& context);
  // Whether this is the first time that a call over the connection has said who it is.
  bool IsNewlyKnown(int connection);
  // A call over the connection was for this tenant. Whether all were that were for any.
  bool IsOnlyOf(int connection, std::string_view tenant);
  // Whether the connection is to be left unread until `until`, and that was not asked yet, or hardly.
  bool Postpone(int connection, absl::Time until);
  // A call of one of `methods` is over.
  void Ended(int connection);

 private:
  // A connection has the place of its number; after so many more another one has it, from nothing.
  static constexpr int kPlaces = 1 << 16;
  struct Connection {
    std::atomic<int32_t> open = 0;    // of `methods`
    std::atomic<int32_t> others = 0;  // begun lately
    std::atomic<int32_t> second = 0;  // when it was last forgiven
    std::atomic<bool> known = false;
    std::atomic<uint64_t> tenant = 0;          // a hash of it; 0: none yet, 1: several
    std::atomic<int64_t> postponed_until = 0;  // microseconds since 1970
  };

  int NumberOf(grpc::AuthContext& context);
  void Forgive(Connection& connection) const;
  grpc::Status Refuse(std::string_view path);

  const int most_;
  const absl::flat_hash_set<std::string> methods_;
  const std::unique_ptr<std::array<Connection, kPlaces>> connections_;
  absl::Mutex mutex_;
  int64_t numbers_ ABSL_GUARDED_BY(mutex_) = 0;
  base::LogLimit told_{1};
};

}  // namespace section55::rpc
