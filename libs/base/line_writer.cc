#include "libs/base/line_writer.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"

namespace section55::base {
namespace {

// As much as is worth a system call of its own.
constexpr size_t kMuch = 64 << 10;
constexpr int kForCompany = 2;       // milliseconds
constexpr int kUntilNextTry = 1000;  // milliseconds
constexpr int kForEver = -1;

}  // namespace

struct LineWriter::State {
  explicit State(Options its_options) : options(std::move(its_options)) {}
  ~State() {
    close(call);
    close(done);
  }

  void Run();
  void AwaitCall(int milliseconds) const;
  // A line, or the news of lines lost while the batch in hand took all the room.
  bool Waiting() {
    absl::MutexLock lock(&mutex);
    return !lines.empty() || lost_untold > 0;
  }
  bool Take(std::string& batch);
  bool Write(std::string_view& rest);
  void SetTrouble(int error);

  const Options options;
  // poll waits by a clock that never jumps, which Abseil's waits do not.
  const int call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);  // there is something to write, or much, or stopping
  const int done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);  // the thread has ended
  std::atomic<bool> stopping = false;
  std::atomic<int64_t> lost = 0;
  std::atomic<int> trouble = 0;
  absl::Mutex mutex;
  std::string lines ABSL_GUARDED_BY(mutex);
  size_t writing ABSL_GUARDED_BY(mutex) = 0;  // bytes of the batch in hand
  int64_t lost_untold ABSL_GUARDED_BY(mutex) = 0;
  std::thread thread;
};

void LineWriter::State::AwaitCall(int milliseconds) const {
  pollfd called = {call, POLLIN, 0};
  if (poll(&called, 1, milliseconds) > 0) {
    eventfd_t count = 0;
    eventfd_read(call, &count);
  }
}

// Adds what waits to the batch. False: nothing does.
bool LineWriter::State::Take(std::string& batch) {
  absl::MutexLock lock(&mutex);
  batch.swap(lines);
  writing = batch.size();
  if (const int64_t untold = std::exchange(lost_untold, 0); untold > 0) {
    batch += options.note(untold);
  }
  return !batch.empty();
}

void LineWriter::State::SetTrouble(int error) {
  if (trouble.exchange(error) != error) {
    options.trouble(error);
  }
}

// Takes from `rest` what could be written. False: not all could.
bool LineWriter::State::Write(std::string_view& rest) {
  const int descriptor = options.descriptor();
  int error = descriptor < 0 ? errno : 0;
  while (error == 0 && !rest.empty()) {
    const ssize_t written = write(descriptor, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd room = {descriptor, POLLOUT, 0};
      poll(&room, 1, kUntilNextTry);
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  SetTrouble(error);
  return error == 0;
}

void LineWriter::State::Run() {
  std::string batch;
  while (true) {
    batch.clear();
    // Read before the lines are taken, so that none that came before the end is overlooked.
    const bool last = stopping;
    if (!last) {
      if (!Waiting()) {
        AwaitCall(kForEver);
      }
      AwaitCall(kForCompany);
    }
    if (!Take(batch)) {
      if (last) {
        return;
      }
      continue;
    }
    for (std::string_view rest = batch; !Write(rest);) {
      if (stopping) {
        lost += std::count(rest.begin(), rest.end(), '\n');
        return;
      }
      AwaitCall(kUntilNextTry);
    }
    absl::MutexLock lock(&mutex);
    writing = 0;
  }
}

LineWriter::LineWriter(Options options) : state_(std::make_shared<State>(std::move(options))) {
  state_->thread = std::thread([state = state_] {
    state->Run();
    eventfd_write(state->done, 1);
  });
}

LineWriter::~LineWriter() { Stop(absl::ZeroDuration()); }

bool LineWriter::Add(std::string_view line, bool important) {
  State& state = *state_;
  if (state.stopping) {
    return true;
  }
  bool wake = false;
  {
    absl::MutexLock lock(&state.mutex);
    const size_t before = state.lines.size();
    const size_t room = state.options.most_waiting;
    if (before + state.writing + line.size() > room + (important ? room / 16 : 0)) {
      ++state.lost_untold;
      ++state.lost;
      return false;
    }
    state.lines.append(line);
    wake = before == 0 || (before < kMuch && state.lines.size() >= kMuch);
  }
  if (wake) {
    eventfd_write(state.call, 1);
  }
  return true;
}

void LineWriter::Stop(absl::Duration patience) {
  State& state = *state_;
  if (!state.thread.joinable()) {
    return;
  }
  state.stopping = true;
  eventfd_write(state.call, 1);
  pollfd ended = {state.done, POLLIN, 0};
  if (poll(&ended, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) > 0) {
    state.thread.join();
  } else {
    // It is stuck in a write that nobody ends: the end of the process does.
    state.thread.detach();
  }
}

int64_t LineWriter::lost() const { return state_->lost; }
bool LineWriter::failing() const { return state_->trouble != 0; }

}  // namespace section55::base
