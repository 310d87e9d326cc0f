#include "libs/events/event_log.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/events/backoff.h"

namespace section55::events {
namespace {

using google::protobuf::util::TimeUtil;

// Events numbered in one transaction: enough to share its cost, few enough not to hold up the writers beside it.
constexpr int kBatch = 500;
// How long what another replica left behind, or numbered, can go unseen.
constexpr absl::Duration kLookEvery = absl::Seconds(1);
// A page of this size and one event of the largest size that is allowed fit into gRPC's limit of 4 MiB each.
constexpr int64_t kPageBytes = 2'000'000;
constexpr std::string_view kTypeUrlPrefix = "type.googleapis.com/";

absl::StatusOr<int64_t> NextPosition(db::Transaction& tx) {
  int64_t next = 0;
  RETURN_IF_ERROR(tx.Query("SELECT next_position FROM event_sequence WHERE id = 1", {},
                           [&](const db::Row& row) { next = row.Int64(0); }));
  if (next == 0) return absl::DataLossError("event_sequence has lost its row");
  return next;
}

Event ToEvent(const db::Row& row) {
  Event event;
  event.set_position(row.Int64(0));
  event.set_event_id(std::string(row.Text(1)));
  event.mutable_payload()->set_type_url(std::string(kTypeUrlPrefix).append(row.Text(2)));
  event.set_tenant(std::string(row.Text(3)));
  event.set_subject(std::string(row.Text(4)));
  event.set_actor(std::string(row.Text(5)));
  event.set_cause(std::string(row.Text(6)));
  *event.mutable_time() = TimeUtil::MicrosecondsToTimestamp(row.Int64(7));
  event.set_schema_version(static_cast<int>(row.Int64(8)));
  event.mutable_payload()->set_value(std::string(row.Text(9)));
  return event;
}

}  // namespace

struct EventLog::Impl {
  explicit Impl(db::Database& database) : database(database) {}

  void Notify() {
    absl::MutexLock lock(&mutex);
    notified = true;
  }

  void SawHead(int64_t position) {
    absl::MutexLock lock(&mutex);
    head = std::max(head, position);
  }

  void Run();
  absl::StatusOr<bool> NumberBatch();

  db::Database& database;
  std::thread sequencer;

  absl::Mutex mutex;
  bool notified ABSL_GUARDED_BY(mutex) = false;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  int64_t head ABSL_GUARDED_BY(mutex) = 0;  // the last position that is known to be committed
};

// Numbers the oldest committed events of the outbox. True when there may be more.
//
// What to number is read first and outside the transaction that numbers it: the rows cannot change, and only a
// sequencer that moves event_sequence on removes them. So when the compare-and-set succeeds, everything read is still
// true, on either engine and whatever its snapshots show.
absl::StatusOr<bool> EventLog::Impl::NumberBatch() {
  int64_t next = 0;
  std::vector<int64_t> ids;
  RETURN_IF_ERROR(database.Read([&](db::Transaction& tx) -> absl::Status {
    ids.clear();
    ASSIGN_OR_RETURN(next, NextPosition(tx));
    return tx.Query("SELECT id FROM outbox ORDER BY id LIMIT ?", {kBatch},
                    [&](const db::Row& row) { ids.push_back(row.Int64(0)); });
  }));
  SawHead(next - 1);
  if (ids.empty()) return false;

  const auto count = static_cast<int64_t>(ids.size());
  absl::Status elsewhere = absl::AbortedError("numbered by another replica");
  const absl::Status written = database.Write([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t taken,
                     tx.Execute("UPDATE event_sequence SET next_position = ? WHERE id = 1 AND next_position = ?",
                                {next + count, next}));
    if (taken == 0) return elsewhere;
    for (int64_t i = 0; i < count; ++i) {
      // Row by row and by primary key: a range would lock the gaps that other transactions are about to insert into.
      ASSIGN_OR_RETURN(
          const int64_t copied,
          tx.Execute("INSERT INTO events (position, event_id, type, tenant, subject, actor, cause, time, "
                     "schema_version, payload) "
                     "SELECT ?, event_id, type, tenant, subject, actor, cause, time, schema_version, payload "
                     "FROM outbox WHERE id = ?",
                     {next + i, ids[i]}));
      ASSIGN_OR_RETURN(const int64_t removed, tx.Execute("DELETE FROM outbox WHERE id = ?", {ids[i]}));
      if (copied != 1 || removed != 1) return elsewhere;
    }
    return absl::OkStatus();
  });
  if (absl::IsAborted(written)) return true;  // look again
  RETURN_IF_ERROR(written);
  SawHead(next - 1 + count);
  return true;
}

void EventLog::Impl::Run() {
  Backoff backoff;
  bool failing = false;
  while (true) {
    {
      absl::MutexLock lock(&mutex);
      if (stopping) return;
      notified = false;  // before looking, so that an event committed during the look is looked for again
    }
    const absl::StatusOr<bool> more = NumberBatch();
    if (!more.ok()) {
      if (!failing) {
        base::Log(base::Severity::kError, "cannot number events; trying until it works",
                  {{"error", more.status().ToString()}});
      }
      failing = true;
      absl::MutexLock lock(&mutex);
      mutex.AwaitWithTimeout(absl::Condition(&stopping), backoff.Next());
      continue;
    }
    if (failing) base::Log(base::Severity::kInfo, "numbering events again");
    failing = false;
    backoff.Reset();
    if (*more) continue;
    absl::MutexLock lock(&mutex);
    const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return notified || stopping; };
    mutex.AwaitWithTimeout(absl::Condition(&wanted), kLookEvery);
  }
}

EventLog::EventLog(db::Database& database) : impl_(std::make_unique<Impl>(database)) {}

EventLog::~EventLog() { Stop(); }

absl::Status EventLog::Append(db::Transaction& tx, const Origin& origin, const google::protobuf::Message& payload) {
  const std::string event_id = base::NewUuid();
  const std::string type(payload.GetDescriptor()->full_name());
  const std::string bytes = payload.SerializeAsString();
  RETURN_IF_ERROR(tx.Execute("INSERT INTO outbox (event_id, type, tenant, subject, actor, cause, time, schema_version, "
                             "payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             {event_id, type, origin.tenant, origin.subject, origin.actor, origin.cause,
                              base::ToMicros(origin.time), origin.schema_version, db::Bytes{bytes}})
                      .status());
  tx.AfterCommit([impl = impl_.get()] { impl->Notify(); });
  return absl::OkStatus();
}

void EventLog::Start() {
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = false;
  }
  impl_->sequencer = std::thread([impl = impl_.get()] { impl->Run(); });
}

void EventLog::Stop() {
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = true;
  }
  if (impl_->sequencer.joinable()) impl_->sequencer.join();
}

bool EventLog::stopped() const {
  absl::MutexLock lock(&impl_->mutex);
  return impl_->stopping;
}

absl::StatusOr<EventLog::Page> EventLog::Read(int64_t after, int limit) {
  Page page;
  RETURN_IF_ERROR(impl_->database.Read([&](db::Transaction& tx) -> absl::Status {
    page = Page();
    ASSIGN_OR_RETURN(const int64_t next, NextPosition(tx));
    page.head = next - 1;
    if (after >= page.head) return absl::OkStatus();
    // The sizes first, so that a page of large events is not fetched in vain.
    int64_t bytes = 0;
    int count = 0;
    RETURN_IF_ERROR(tx.Query("SELECT LENGTH(payload) FROM events WHERE position > ? ORDER BY position LIMIT ?",
                             {after, limit}, [&](const db::Row& row) {
                               bytes += row.Int64(0);
                               if (count == 0 || bytes <= kPageBytes) ++count;
                             }));
    page.events.reserve(count);
    return tx.Query(
        "SELECT position, event_id, type, tenant, subject, actor, cause, time, schema_version, payload FROM events "
        "WHERE position > ? ORDER BY position LIMIT ?",
        {after, count}, [&](const db::Row& row) { page.events.push_back(ToEvent(row)); });
  }));
  return page;
}

absl::StatusOr<int64_t> EventLog::Head() {
  int64_t next = 0;
  RETURN_IF_ERROR(impl_->database.Lookup([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(next, NextPosition(tx));
    return absl::OkStatus();
  }));
  return next - 1;
}

bool EventLog::WaitBeyond(int64_t position, absl::Duration timeout) {
  absl::MutexLock lock(&impl_->mutex);
  const auto ready = [this, position]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(impl_->mutex) {
    return impl_->head > position || impl_->stopping;
  };
  impl_->mutex.AwaitWithTimeout(absl::Condition(&ready), timeout);
  return impl_->head > position;
}

}  // namespace section55::events
