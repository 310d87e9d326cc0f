// Writes lines by a thread of its own, so that whoever has something to say never waits: not for a disk, not for a reader that stalls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace section55::base {

// Thread-safe. Lines wait in memory, up to a bound; what comes on top is lost, and counted. Under load one system call carries many
// lines: the first waits a moment for company. What cannot be written (a disk that is full) is kept and tried again every second. All
// waits are by a clock that never jumps.
class LineWriter {
 public:
  struct Options {
    // The descriptor to write to, or -1 with errno set. Asked before each batch, by the writer's thread.
    std::function<int()> descriptor;
    // The line that tells of lines lost; it stands where they would have stood.
    std::function<std::string(int64_t lost)> note;
    // Is told, by the writer's thread, the errno with which writing began to fail, and 0 when it works again.
    std::function<void(int error)> trouble = [](int) {};
    // Bytes that wait or are being written at most; important lines may take a sixteenth more.
    size_t most_waiting = 16 << 20;
  };
  explicit LineWriter(Options options);
  // Stops, without patience.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;

  // `line` has its line end. False: it is lost, because there is no room. After Stop nothing happens.
  bool Add(std::string_view line, bool important);

  // Writes what is still waiting, for at most `patience`; what has not left by then is lost with the process.
  void Stop(absl::Duration patience);

  // Lines lost so far.
  int64_t lost() const;
  // Whether the last attempt to write failed.
  bool failing() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // the thread has it too: one that is stuck in a write outlives this
};

}  // namespace section55::base
