#include "libs/events/follower.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/backoff.h"
#include "libs/base/error_text.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/events/follower_store.h"
#include "libs/events/parked.h"
#include "libs/rpc/server.h"
#include "section55/admin/v1/recovery.grpc.pb.h"
#include "section55/common/v1/event_feed.grpc.pb.h"

namespace section55::events {
namespace {

using common::v1::EventFeed;
using common::v1::FollowResponse;

// Somebody has to do something first: trying often is of no use.
constexpr absl::Duration kLongPause = absl::Seconds(10);
// How long a stream lives, so that the source learns how far we have come and can forget what we do not need any more.
constexpr absl::Duration kStreamLife = absl::Minutes(15);
// What is given back at once, and how long a source may take over it.
constexpr size_t kGivenAtOnce = 2'000'000;
constexpr absl::Duration kGiveBackPatience = absl::Minutes(1);

// Whether the error says that our own database is away, or that we are stopping, and nothing about the event.
bool IsPassing(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return true;
    default:
      return false;
  }
}

// Whether the source says that its feed is not the one that the cursor belongs to.
bool IsComplaint(const absl::Status& status) {
  const std::string reason = base::ErrorInfoOf(status).reason();
  return reason == "AFTER_BEYOND_END" || reason == "OTHER_INCARNATION" || reason == "OTHER_EVENT" ||
         reason == "EVENTS_PRUNED";
}

// Whether the source says that it was restored and wants to have back what we hold.
bool IsAskedBack(const absl::Status& status) { return base::ErrorInfoOf(status).reason() == "FEED_RESTORED"; }

absl::Status Gap(int64_t cursor, int64_t position) {
  return absl::DataLossError("the source sent position " + std::to_string(position) + " after " +
                             std::to_string(cursor));
}

}  // namespace

struct Follower::Impl {
  Impl(std::string source, const std::shared_ptr<grpc::Channel>& channel, db::Database& database, base::Clock& clock,
       jobs::Queue& jobs, Handlers handlers)
      : source(std::move(source)),
        job_kind("parked-event-" + this->source),
        feed(EventFeed::NewStub(channel)),
        recovery(admin::v1::Recovery::NewStub(channel)),
        database(database),
        clock(clock),
        jobs(jobs),
        handlers(std::move(handlers)) {}

  // What became of trying a parked event and those behind it.
  struct Retried {
    int handled = 0;
    absl::Status failure;  // of the last one tried
    bool refused = false;  // by its handler
  };

  void Run();
  absl::Status FollowStream();
  absl::Status GiveBack();
  absl::StatusOr<std::vector<Event>> ParkedBeyond(int64_t position);
  // Returns how many.
  absl::StatusOr<int64_t> ForgetParkedAfter(db::Transaction& tx, int64_t position);
  absl::Status Connected(const FollowResponse& first);
  absl::Status Handle(const FollowResponse& response);
  // Both return false, having changed nothing, when the cursor does not stand before the first event.
  absl::StatusOr<bool> Apply(const FollowResponse& response, int begin, int end);
  absl::StatusOr<bool> PutAside(const FollowResponse& response, int index, const absl::Status& error);
  Cursor After(const FollowResponse& response, int index) const;
  absl::StatusOr<Cursor> LoadCursor();

  Retried Retry(int64_t position, const jobs::Job* job);
  absl::StatusOr<std::optional<int64_t>> RetryOne(int64_t position, bool from_job, bool& refused);
  absl::StatusOr<jobs::Effect> RunJob(const jobs::Job& job);
  absl::Status ScheduleRetry(db::Transaction& tx, int64_t position, std::string_view tenant, absl::Time due);

  bool Interrupted() {
    absl::MutexLock lock(&mutex);
    return stopping || restart;
  }
  // Returns when the pause is over or something else is to be done.
  void Pause(absl::Duration pause) {
    absl::MutexLock lock(&mutex);
    const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return stopping || restart; };
    mutex.AwaitWithTimeout(absl::Condition(&wanted), pause);
  }
  // Notes how far it has come, and whether that is the end.
  void NoteProgress() {
    absl::MutexLock lock(&mutex);
    handled_to = cursor.position;
    if (connected && handled_to >= source_head) {
      level = std::chrono::steady_clock::now();
    }
  }
  // Returns when it is not held any more, or something else is to be done.
  void AwaitLeave() {
    absl::MutexLock lock(&mutex);
    const auto free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return !held || stopping || restart; };
    mutex.Await(absl::Condition(&free));
  }
  void Trouble(const absl::Status& status);
  void AllWell();

  const std::string source;
  const std::string job_kind;
  const std::unique_ptr<EventFeed::Stub> feed;
  const std::unique_ptr<admin::v1::Recovery::Stub> recovery;
  db::Database& database;
  base::Clock& clock;
  jobs::Queue& jobs;
  const Handlers handlers;
  std::vector<Holding> holdings;
  std::thread thread;
  Cursor cursor;          // as last read or written here; only the thread uses it
  base::Backoff backoff;  // likewise

  absl::Mutex mutex;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool restart ABSL_GUARDED_BY(mutex) = false;  // the cursor was moved: follow anew
  bool held ABSL_GUARDED_BY(mutex) = false;
  grpc::ClientContext* stream ABSL_GUARDED_BY(mutex) = nullptr;  // for Stop to cancel
  bool connected ABSL_GUARDED_BY(mutex) = false;
  int64_t source_head ABSL_GUARDED_BY(mutex) = 0;
  absl::Status trouble ABSL_GUARDED_BY(mutex);
  absl::Status complaint ABSL_GUARDED_BY(mutex);  // about the feed; stays until it is followed again
  bool following ABSL_GUARDED_BY(mutex) = false;  // between Start and Stop
  int64_t handled_to ABSL_GUARDED_BY(mutex) = 0;  // what `cursor` says
  // When it was last seen to stand at the end of the feed, by a clock that never jumps.
  std::chrono::steady_clock::time_point level ABSL_GUARDED_BY(mutex);
};

void Follower::Impl::Trouble(const absl::Status& status) {
  absl::MutexLock lock(&mutex);
  // Once as long as it stays the same: a source that is down for a night is one line.
  if (trouble != status) {
    const bool for_a_person = IsComplaint(status) || absl::IsDataLoss(status) || absl::IsUnimplemented(status);
    base::Log(for_a_person ? base::Severity::kError : base::Severity::kWarning,
              "following does not get on; trying until it does",
              {{"source", source}, {"error", base::ErrorText(status)}});
  }
  trouble = status;
  if (IsComplaint(status)) {
    complaint = status;
  }
}

void Follower::Impl::AllWell() {
  absl::MutexLock lock(&mutex);
  if (!trouble.ok()) {
    base::Log(base::Severity::kInfo, "following again", {{"source", source}});
  }
  trouble = absl::OkStatus();
}

void Follower::Impl::Run() {
  while (true) {
    {
      absl::MutexLock lock(&mutex);
      if (stopping) {
        return;
      }
      restart = false;
    }
    absl::Status ended = FollowStream();
    if (IsAskedBack(ended)) {
      ended = GiveBack();
    }
    if (ended.ok() || Interrupted()) {
      continue;
    }
    Trouble(ended);
    Pause(IsComplaint(ended) || absl::IsUnimplemented(ended) ? kLongPause : backoff.Next());
  }
}

// Follows until the stream ends. OK: follow again at once.
absl::Status Follower::Impl::FollowStream() {
  ASSIGN_OR_RETURN(cursor, LoadCursor());
  grpc::ClientContext context;
  {
    absl::MutexLock lock(&mutex);
    stream = &context;
    if (stopping || restart) {
      context.TryCancel();
    }
  }
  const absl::Cleanup forget = [this] {
    NoteProgress();
    absl::MutexLock lock(&mutex);
    stream = nullptr;
    connected = false;
  };
  common::v1::FollowRequest request;
  request.set_after(cursor.position);
  request.set_incarnation(cursor.incarnation);
  request.set_after_event_id(cursor.last_event_id);
  const absl::Time opened = absl::Now();
  const std::unique_ptr<grpc::ClientReader<FollowResponse>> reader = feed->Follow(&context, request);
  absl::Status handled;
  bool first = true;
  bool old = false;
  FollowResponse response;
  while (handled.ok() && !old && reader->Read(&response)) {
    if (std::exchange(first, false)) {
      handled = Connected(response);
    }
    {
      absl::MutexLock lock(&mutex);
      source_head = response.head_position();
    }
    if (handled.ok() && !response.events().empty()) {
      AwaitLeave();
      handled = Handle(response);
    }
    NoteProgress();
    old = absl::Now() - opened > kStreamLife;
  }
  if (!handled.ok() || old) {
    context.TryCancel();
  }
  const absl::Status finished = rpc::FromGrpc(reader->Finish());
  if (!handled.ok() || old) {
    return handled;
  }
  return finished.ok() ? absl::UnavailableError("the source ended the stream") : finished;
}

absl::StatusOr<std::vector<Event>> Follower::Impl::ParkedBeyond(int64_t position) {
  std::vector<Event> parked;
  RETURN_IF_ERROR(database.Read([&](db::Transaction& tx) -> absl::Status {
    parked.clear();
    ASSIGN_OR_RETURN(const std::vector<int64_t> positions, ParkedAfter(tx, source, position));
    for (const int64_t one : positions) {
      const absl::StatusOr<std::optional<Event>> event = FindParked(tx, source, one);
      if (event.ok() && *event) {  // what is damaged is of no use to anybody
        parked.push_back(**event);
      }
    }
    return absl::OkStatus();
  }));
  return parked;
}

// The source was restored from a backup: gives back what we hold of what it told us, and goes on after what the restored feed and
// ours have in common.
absl::Status Follower::Impl::GiveBack() {
  admin::v1::GiveBackRequest request;
  request.set_incarnation(cursor.incarnation);
  request.set_position(cursor.position);
  int64_t given = 0;
  size_t bytes = 0;
  const auto send = [&]() -> absl::StatusOr<admin::v1::GiveBackResponse> {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kGiveBackPatience));
    {
      absl::MutexLock lock(&mutex);
      stream = &context;
      if (stopping) {
        context.TryCancel();
      }
    }
    const absl::Cleanup forget = [this] {
      absl::MutexLock lock(&mutex);
      stream = nullptr;
    };
    admin::v1::GiveBackResponse response;
    RETURN_IF_ERROR(rpc::FromGrpc(recovery->GiveBack(&context, request, &response)));
    given += request.events_size();
    bytes = 0;
    request.clear_events();
    return response;
  };
  const auto add = [&](Event event) -> absl::Status {
    const size_t size = event.ByteSizeLong();
    if (bytes > 0 && bytes + size > kGivenAtOnce) {
      RETURN_IF_ERROR(send().status());
    }
    bytes += size;
    *request.add_events() = std::move(event);
    return absl::OkStatus();
  };
  // Asked without anything first, which tells where the two feeds part.
  ASSIGN_OR_RETURN(const admin::v1::GiveBackResponse parting, send());
  if (parting.position() < cursor.position) {
    ASSIGN_OR_RETURN(std::vector<Event> parked, ParkedBeyond(parting.position()));
    for (Event& event : parked) {
      RETURN_IF_ERROR(add(std::move(event)));
    }
    for (const Holding& holding : holdings) {
      std::string after;
      std::vector<Event> page;
      do {
        RETURN_IF_ERROR(database.Read([&, from = after](db::Transaction& tx) {
          after = from;
          page.clear();
          return holding(tx, after, page);
        }));
        for (Event& event : page) {
          RETURN_IF_ERROR(add(std::move(event)));
        }
      } while (!page.empty() && !Interrupted());
    }
    if (Interrupted()) {
      return absl::CancelledError("stopping");
    }
  }
  request.set_last(true);
  ASSIGN_OR_RETURN(const admin::v1::GiveBackResponse response, send());
  const Cursor parted{response.position(), response.incarnation(),
                      response.position() == cursor.position ? cursor.last_event_id : ""};
  RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const bool moved, Advance(tx, source, cursor, parted));
    return moved ? ForgetParkedAfter(tx, parted.position).status() : absl::OkStatus();
  }));
  base::Log(base::Severity::kWarning, "the source was restored from a backup; following it on from what both have",
            {{"source", source},
             {"position", response.position()},
             {"position_before", cursor.position},
             {"given_back", given}});
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Follower::Impl::ForgetParkedAfter(db::Transaction& tx, int64_t position) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> beyond, ParkedAfter(tx, source, position));
  for (const int64_t parked : beyond) {
    RETURN_IF_ERROR(Unpark(tx, source, parked));
    RETURN_IF_ERROR(jobs.Cancel(tx, job_kind, ParkedName(source, parked)));
  }
  return static_cast<int64_t>(beyond.size());
}

// The source has accepted us: notes which feed it is.
absl::Status Follower::Impl::Connected(const FollowResponse& first) {
  if (cursor.incarnation.empty()) {
    RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) { return BindCursor(tx, source, first.incarnation()); }));
    ASSIGN_OR_RETURN(cursor, LoadCursor());
  }
  if (cursor.incarnation != first.incarnation()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "OTHER_INCARNATION",
                       "The source offers the feed " + first.incarnation() + ", not " + cursor.incarnation +
                           ", to which the cursor belongs.");
  }
  if (cursor.position >= first.head_position()) {
    AllWell();
  }
  absl::MutexLock lock(&mutex);
  connected = true;
  complaint = absl::OkStatus();
  return absl::OkStatus();
}

Cursor Follower::Impl::After(const FollowResponse& response, int index) const {
  const Event& event = response.events(index);
  return {event.position(), cursor.incarnation, event.event_id()};
}

// Handles what was received, all of it in one transaction; after a failure one event at a time, so that what can be
// handled is, and the one that cannot be handled is found. Returns an error when the stream has to be opened anew.
absl::Status Follower::Impl::Handle(const FollowResponse& response) {
  const auto& events = response.events();
  int begin = 0;
  int chunk = events.size();
  while (begin < events.size()) {
    if (Interrupted()) {
      return absl::CancelledError("stopping");
    }
    if (events[begin].position() <= cursor.position) {  // delivered before, or handled by another replica
      ++begin;
      continue;
    }
    int end = begin;
    for (; end < std::min(begin + chunk, events.size()); ++end) {
      const int64_t expected = cursor.position + 1 + (end - begin);
      if (events[end].position() != expected) {
        return Gap(expected - 1, events[end].position());
      }
      if (const absl::Status known = handlers.Knows(events[end]); !known.ok()) {
        if (end == begin) {
          return known;
        }
        break;  // what comes before it is handled first
      }
    }
    absl::StatusOr<bool> done = Apply(response, begin, end);
    if (!done.ok() && end - begin > 1) {
      chunk = 1;
      continue;
    }
    if (!done.ok() && !IsPassing(done.status())) {
      done = PutAside(response, begin, done.status());
    }
    if (!done.ok()) {
      Trouble(done.status());
      Pause(backoff.Next());
      continue;
    }
    if (*done) {
      cursor = After(response, end - 1);
    } else {
      const std::string incarnation = cursor.incarnation;
      ASSIGN_OR_RETURN(cursor, LoadCursor());
      if (cursor.incarnation != incarnation) {
        return absl::UnavailableError("the cursor was moved to another feed");
      }
    }
    backoff.Reset();
    AllWell();
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Follower::Impl::Apply(const FollowResponse& response, int begin, int end) {
  bool in_step = false;
  RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(in_step, Advance(tx, source, cursor, After(response, end - 1)));
    if (!in_step) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const auto parked, ParkedSubjects(tx, source));
    for (int i = begin; i < end; ++i) {
      const Event& event = response.events(i);
      if (parked.contains(event.subject())) {
        RETURN_IF_ERROR(Park(tx, source, event, "Waits behind an earlier event of the same subject.", 0, clock.Now(),
                             std::nullopt));
      } else {
        RETURN_IF_ERROR(handlers.Apply(tx, event));
      }
    }
    return absl::OkStatus();
  }));
  return in_step;
}

absl::StatusOr<bool> Follower::Impl::PutAside(const FollowResponse& response, int index, const absl::Status& error) {
  const Event& event = response.events(index);
  const std::string text = base::ErrorText(error);
  bool in_step = false;
  RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(in_step, Advance(tx, source, cursor, After(response, index)));
    if (!in_step) {
      return absl::OkStatus();
    }
    const absl::Time now = clock.Now();
    const absl::Time next_try = now + jobs::Queue::PauseAfter(0);
    RETURN_IF_ERROR(Park(tx, source, event, text, 1, now, next_try));
    return ScheduleRetry(tx, event.position(), event.tenant(), next_try);
  }));
  if (in_step) {
    base::Log(base::Severity::kError, "event put aside",
              {{"source", source}, {"position", event.position()}, {"subject", event.subject()}, {"error", text}});
  }
  return in_step;
}

absl::StatusOr<Cursor> Follower::Impl::LoadCursor() {
  std::optional<Cursor> found;
  const auto read = [&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(found, ReadCursor(tx, source));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(database.Lookup(read));
  if (!found) {
    RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) { return BeginCursor(tx, source); }));
    RETURN_IF_ERROR(database.Lookup(read));
  }
  return found.value_or(Cursor());
}

absl::Status Follower::Impl::ScheduleRetry(db::Transaction& tx, int64_t position, std::string_view tenant,
                                           absl::Time due) {
  return jobs.Schedule(
      tx, {.kind = job_kind, .key = ParkedName(source, position), .tenant = std::string(tenant), .due = due});
}

// Handles one parked event and returns the next of its subject, for which it leaves a job: whoever handles the first
// need not live to handle the next. `refused`: the failure is this event's own.
absl::StatusOr<std::optional<int64_t>> Follower::Impl::RetryOne(int64_t position, bool from_job, bool& refused) {
  std::optional<int64_t> next;
  RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) -> absl::Status {
    next.reset();
    refused = false;
    RETURN_IF_ERROR(TouchCursor(tx, source));
    const absl::StatusOr<std::optional<Event>> found = FindParked(tx, source, position);
    refused = absl::IsDataLoss(found.status());
    RETURN_IF_ERROR(found.status());
    if (!*found) {
      return base::NotFound(ParkedName(source, position));
    }
    const Event& event = **found;
    ASSIGN_OR_RETURN(const std::optional<ParkedEvent> first, FirstParked(tx, source, event.subject()));
    if (!first || first->position != position) {
      const std::string earlier = ParkedName(source, first ? first->position : 0);
      return base::Error(absl::StatusCode::kFailedPrecondition, "EARLIER_EVENT_PARKED",
                         "An earlier event of the same subject has to come first: " + earlier + ".",
                         {{"earlier", earlier}});
    }
    const absl::Status applied = handlers.Apply(tx, event);
    refused = !applied.ok();
    RETURN_IF_ERROR(applied);
    RETURN_IF_ERROR(Unpark(tx, source, position));
    if (!from_job) {
      RETURN_IF_ERROR(jobs.Cancel(tx, job_kind, ParkedName(source, position)));
    }
    ASSIGN_OR_RETURN(const std::optional<ParkedEvent> behind, FirstParked(tx, source, event.subject()));
    if (behind) {
      next = behind->position;
      const absl::Time due = clock.Now() + jobs::Queue::PauseAfter(0);
      RETURN_IF_ERROR(SetNextTry(tx, source, *next, due));
      RETURN_IF_ERROR(ScheduleRetry(tx, *next, behind->tenant, due));
    }
    return absl::OkStatus();
  }));
  return next;
}

Follower::Impl::Retried Follower::Impl::Retry(int64_t position, const jobs::Job* job) {
  Retried retried;
  std::optional<int64_t> next = position;
  while (next) {
    const bool from_job = job != nullptr && *next == position;
    absl::StatusOr<std::optional<int64_t>> tried = RetryOne(*next, from_job, retried.refused);
    retried.failure = tried.status();
    if (tried.ok()) {
      ++retried.handled;
      next = *tried;
      continue;
    }
    if (retried.refused && !IsPassing(retried.failure)) {
      std::optional<absl::Time> next_try;
      if (from_job) {
        next_try = clock.Now() + jobs::Queue::PauseAfter(job->attempts);
      }
      const std::string text = base::ErrorText(retried.failure);
      const absl::Status counted =
          database.Write([&](db::Transaction& tx) { return CountFailure(tx, source, *next, text, next_try); });
      if (!counted.ok()) {
        retried.failure = counted;
      }
    }
    break;
  }
  return retried;
}

absl::StatusOr<jobs::Effect> Follower::Impl::RunJob(const jobs::Job& job) {
  const std::optional<ParkedKey> key = ParseParkedName(job.key);
  if (!key) {
    return absl::InvalidArgumentError("the job's key names no parked event");
  }
  const Retried retried = Retry(key->position, &job);
  // Handled by somebody else meanwhile, or its turn comes with an earlier one's job.
  const bool nothing_left =
      absl::IsNotFound(retried.failure) || base::ErrorInfoOf(retried.failure).reason() == "EARLIER_EVENT_PARKED";
  if (retried.handled == 0 && !retried.failure.ok() && (retried.refused || !nothing_left)) {
    return retried.failure;
  }
  return jobs::Effect();
}

Follower::Follower(std::string source, const std::shared_ptr<grpc::Channel>& channel, db::Database& database,
                   base::Clock& clock, jobs::Queue& jobs, Handlers handlers)
    : impl_(std::make_shared<Impl>(std::move(source), channel, database, clock, jobs, std::move(handlers))) {
  jobs::Worker worker;
  worker.run = [weak = std::weak_ptr<Impl>(impl_)](const jobs::Job& job) -> absl::StatusOr<jobs::Effect> {
    const std::shared_ptr<Impl> impl = weak.lock();
    return impl != nullptr ? impl->RunJob(job) : absl::CancelledError("the follower is gone");
  };
  worker.most_attempts = INT32_MAX;  // for ever
  jobs.Handle(impl_->job_kind, std::move(worker));
}

Follower::~Follower() { Stop(); }

void Follower::GivesBack(std::vector<Holding> holdings) { impl_->holdings = std::move(holdings); }

void Follower::Hold(bool held) {
  absl::MutexLock lock(&impl_->mutex);
  impl_->held = held;
}

bool Follower::IsAtTheEnd() {
  const admin::v1::FollowerStatus status = Status();
  return status.connected() && status.position() >= status.source_head_position();
}

void Follower::Start() {
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = false;
    impl_->following = true;
    impl_->level = std::chrono::steady_clock::now();
  }
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

void Follower::Stop() {
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = true;
    impl_->following = false;
    if (impl_->stream != nullptr) {
      impl_->stream->TryCancel();
    }
  }
  if (impl_->thread.joinable()) {
    impl_->thread.join();
  }
}

const std::string& Follower::source() const { return impl_->source; }

admin::v1::FollowerStatus Follower::Status() {
  admin::v1::FollowerStatus status;
  status.set_source(impl_->source);
  const absl::Status read = impl_->database.Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const std::optional<Cursor> cursor, ReadCursor(tx, impl_->source));
    status.set_position(cursor ? cursor->position : 0);
    status.set_incarnation(cursor ? cursor->incarnation : "");
    ASSIGN_OR_RETURN(const int64_t parked, CountParked(tx, impl_->source));
    status.set_parked_events(parked);
    return absl::OkStatus();
  });
  absl::MutexLock lock(&impl_->mutex);
  status.set_source_head_position(impl_->source_head);
  status.set_connected(impl_->connected);
  if (impl_->following) {
    const bool level = impl_->connected && impl_->handled_to >= impl_->source_head;
    const auto behind = level ? std::chrono::nanoseconds(0) : std::chrono::steady_clock::now() - impl_->level;
    *status.mutable_behind_for() = google::protobuf::util::TimeUtil::NanosecondsToDuration(behind.count());
  }
  for (const absl::Status& problem : {impl_->trouble, impl_->complaint, read}) {
    if (!problem.ok()) {
      status.set_last_error(base::ErrorText(problem));
    }
  }
  status.set_waits_for_newer_program(Handlers::IsUnknown(impl_->trouble));
  return status;
}

absl::StatusOr<int> Follower::RetryParked(int64_t position) {
  const Impl::Retried retried = impl_->Retry(position, nullptr);
  // Those before it were handled all the same; the last one says for itself why it was not.
  if (retried.handled > 0 || retried.failure.ok()) {
    return retried.handled;
  }
  if (retried.refused && !IsPassing(retried.failure)) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "STILL_FAILING",
                       "The event failed again and stays parked: " + base::ErrorText(retried.failure));
  }
  return retried.failure;
}

absl::Status Follower::AcceptFeed(int64_t position) {
  {
    absl::MutexLock lock(&impl_->mutex);
    if (impl_->complaint.ok()) {
      return base::Error(
          absl::StatusCode::kFailedPrecondition, "FEED_ACCEPTED",
          "The feed of " + impl_->source + " is followed without complaint; there is nothing to accept.");
    }
  }
  int64_t forgotten = 0;
  RETURN_IF_ERROR(impl_->database.Write([&](db::Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(ResetCursor(tx, impl_->source, position));
    ASSIGN_OR_RETURN(forgotten, impl_->ForgetParkedAfter(tx, position));
    return absl::OkStatus();
  }));
  base::Log(base::Severity::kWarning, "another feed accepted",
            {{"source", impl_->source}, {"position", position}, {"forgotten_parked_events", forgotten}});
  absl::MutexLock lock(&impl_->mutex);
  impl_->complaint = absl::OkStatus();
  impl_->trouble = absl::OkStatus();
  impl_->restart = true;
  if (impl_->stream != nullptr) {
    impl_->stream->TryCancel();
  }
  return absl::OkStatus();
}

}  // namespace section55::events
