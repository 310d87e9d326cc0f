#include "libs/rpc/stream_limit.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <string_view>
#include <utility>

#include "libs/base/log.h"
#include "libs/rpc/connections.h"
#include "libs/rpc/metrics.h"

namespace section55::rpc {
namespace {

// Properties of a connection's security context are the one thing that all of its calls share.
constexpr char kProperty[] = "section55_connection";
constexpr char kPath[] = ":path";
constexpr std::string_view kHealth = "/grpc.health.v1.Health/";
constexpr std::string_view kReflection = "/grpc.reflection.v1";
constexpr int kOthersASecond = 8;    // a part of `most`
constexpr size_t kMostOfPath = 128;  // anybody may say anything

int NumberIn(const std::vector<grpc::string_ref>& values) {
  int number = -1;
  if (!values.empty()) {
    std::from_chars(values[0].data(), values[0].data() + values[0].size(), number);
  }
  return number;
}

int32_t Second() {
  return static_cast<int32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

// Down by `amount`, never below 0.
void Lower(std::atomic<int32_t>& count, int32_t amount) {
  int32_t now = count;
  while (now > 0 && !count.compare_exchange_weak(now, std::max(0, now - amount))) {
  }
}

}  // namespace

StreamLimit::StreamLimit(int most, absl::flat_hash_set<std::string> methods)
    : most_(most), methods_(std::move(methods)), connections_(std::make_unique<std::array<Connection, kPlaces>>()) {}

int StreamLimit::NumberOf(grpc::AuthContext& context) {
  // The library adds properties without a lock, and two first calls of a connection may come here at once. Handlers read them only after.
  const absl::MutexLock lock(&mutex_);
  if (const int number = NumberIn(context.FindPropertyValues(kProperty)); number >= 0) {
    return number;
  }
  const int number = static_cast<int>(numbers_++ % kPlaces);
  context.AddProperty(kProperty, std::to_string(number));
  Connection& connection = (*connections_)[number];
  connection.open = 0;
  connection.others = 0;
  connection.second = Second();
  connection.known = false;
  connection.tenant = 0;
  connection.postponed_until = 0;
  return number;
}

void StreamLimit::Forgive(Connection& connection) const {
  const int32_t now = Second();
  int32_t last = connection.second;
  if (now <= last || !connection.second.compare_exchange_strong(last, now)) {
    return;
  }
  Lower(connection.open, now - last);
  Lower(connection.others, (now - last) * std::max(1, most_ / kOthersASecond));
}

grpc::Status StreamLimit::Refuse(std::string_view path) {
  CountRefusal("TOO_MANY_ON_CONNECTION");
  if (int64_t left_out = 0; told_.Take(left_out)) {
    // The library does not say here which connection this is; the one that is refused streams is the one whose streams come to nothing.
    const Troubled most = MostTroubled();
    base::Log(base::Severity::kWarning, "streams refused",
              {{"reason", "TOO_MANY_ON_CONNECTION"},
               {"path", path.substr(0, kMostOfPath)},
               {"peer", std::string_view(most.peer)},
               {"streams_of_peer", most.streams},
               {"left_out_before", left_out}});
  }
  return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls on this connection at once; wait for some to end"};
}

grpc::Status StreamLimit::Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*,
                                  OutputMetadata*) {
  const auto found = metadata.find(kPath);
  const std::string_view path =
      found == metadata.end() ? std::string_view() : std::string_view(found->second.data(), found->second.size());
  Connection& connection = (*connections_)[NumberOf(*context)];
  if (methods_.contains(absl::string_view(path.data(), path.size()))) {
    if (++connection.open <= most_) {
      return grpc::Status::OK;
    }
    Forgive(connection);
    if (connection.open <= most_) {
      return grpc::Status::OK;
    }
    --connection.open;
    return Refuse(path);
  }
  Forgive(connection);
  if (++connection.others > most_) {
    --connection.others;
    return Refuse(path);
  }
  return path.starts_with(kHealth) || path.starts_with(kReflection)
             ? grpc::Status::OK
             : grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "there is no such method here");
}

int StreamLimit::ConnectionOf(const grpc::ServerContext& context) {
  const auto auth = context.auth_context();
  return auth == nullptr ? -1 : NumberIn(auth->FindPropertyValues(kProperty));
}

bool StreamLimit::IsNewlyKnown(int connection) {
  if (connection < 0 || connection >= kPlaces) {
    return false;
  }
  std::atomic<bool>& known = (*connections_)[connection].known;
  return !known && !known.exchange(true);
}

bool StreamLimit::IsOnlyOf(int connection, std::string_view tenant) {
  if (connection < 0 || connection >= kPlaces) {
    return false;
  }
  constexpr uint64_t kNone = 0;
  constexpr uint64_t kSeveral = 1;
  const uint64_t hash = std::max<uint64_t>(std::hash<std::string_view>()(tenant), kSeveral + 1);
  std::atomic<uint64_t>& only = (*connections_)[connection].tenant;
  uint64_t before = kNone;
  if (only.compare_exchange_strong(before, hash) || before == hash) {
    return true;
  }
  only = kSeveral;
  return false;
}

bool StreamLimit::Postpone(int connection, absl::Time until) {
  if (connection < 0 || connection >= kPlaces) {
    return false;
  }
  constexpr int64_t kHardly = 5000;
  const int64_t wanted = absl::ToUnixMicros(until);
  std::atomic<int64_t>& postponed = (*connections_)[connection].postponed_until;
  int64_t before = postponed;
  return wanted > before + kHardly && postponed.compare_exchange_strong(before, wanted);
}

void StreamLimit::Ended(int connection) {
  if (connection >= 0 && connection < kPlaces) {
    Lower((*connections_)[connection].open, 1);
  }
}

}  // namespace section55::rpc
