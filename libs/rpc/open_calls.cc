#include "libs/rpc/open_calls.h"

#include <functional>

namespace section55::rpc {
namespace {

// A caller who calls again and again is not to be added and removed each time.
constexpr size_t kRememberedPerShard = 256;

}  // namespace

OpenCalls::Place::~Place() {
  if (shard_ == nullptr) {
    return;
  }
  absl::MutexLock lock(&shard_->mutex);
  Counts& counts = caller_->second;
  --(kind_ == Kind::kCall ? counts.calls : counts.streams);
  if (counts.calls == 0 && counts.streams == 0 && shard_->callers.size() > kRememberedPerShard) {
    shard_->callers.erase(shard_->callers.find(caller_->first));
  }
}

bool OpenCalls::Enter(std::string_view caller, Kind kind, int limit, Place& place) {
  if (limit <= 0) {
    return true;
  }
  Shard& shard = shards_[std::hash<std::string_view>()(caller) % shards_.size()];
  absl::MutexLock lock(&shard.mutex);
  auto found = shard.callers.find(absl::string_view(caller.data(), caller.size()));
  if (found == shard.callers.end()) {
    found = shard.callers.emplace(std::string(caller), Counts()).first;
  }
  int& open = kind == Kind::kCall ? found->second.calls : found->second.streams;
  if (open >= limit) {
    return false;
  }
  ++open;
  place.shard_ = &shard;
  place.caller_ = &*found;
  place.kind_ = kind;
  return true;
}

}  // namespace section55::rpc
