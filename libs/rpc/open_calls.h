// What each caller has open at once.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "absl/container/node_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace section55::rpc {

// Counts the calls and streams of every caller, so that nobody takes all the room of a server. Thread-safe. Callers with nothing open
// are forgotten when there are many of them.
class OpenCalls {
 private:
  struct Counts {
    int calls = 0;
    int streams = 0;
  };
  struct Shard {
    absl::Mutex mutex;
    // Nodes, because a Place points to the one it counts in.
    absl::node_hash_map<std::string, Counts> callers ABSL_GUARDED_BY(mutex);
  };

 public:
  enum class Kind { kCall, kStream };

  // One call or stream that counts; gives its room back when it goes. Lives no longer than the OpenCalls. Not thread-safe.
  class Place {
   public:
    Place() = default;
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    friend class OpenCalls;
    Shard* shard_ = nullptr;
    std::pair<const std::string, Counts>* caller_ = nullptr;
    Kind kind_ = Kind::kCall;
  };

  // Whether the caller may open one more of the kind: fewer than `limit` are open. 0: no limit. `place` is empty before.
  bool Enter(std::string_view caller, Kind kind, int limit, Place& place);

 private:
  std::array<Shard, 16> shards_;
};

}  // namespace section55::rpc
