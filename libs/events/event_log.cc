#include "libs/events/event_log.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/backoff.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/limits.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/events/recovery.h"

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

absl::StatusOr<EventLog::End> ReadEnd(db::Transaction& tx) {
  int64_t next = 0;
  EventLog::End end;
  RETURN_IF_ERROR(
      tx.Query("SELECT next_position, incarnation FROM event_sequence WHERE id = 1", {}, [&](const db::Row& row) {
        next = row.Int64(0);
        end.incarnation = row.Text(1);
      }));
  if (next == 0) {
    return absl::DataLossError("event_sequence has lost its row");
  }
  end.head = next - 1;
  return end;
}

// 0 when none is kept.
absl::StatusOr<int64_t> FirstKept(db::Transaction& tx) {
  int64_t first = 0;
  RETURN_IF_ERROR(tx.Query("SELECT MIN(position) FROM events", {}, [&](const db::Row& row) { first = row.Int64(0); }));
  return first;
}

// Whether everything after `after` is still there.
absl::Status CheckKept(db::Transaction& tx, int64_t after, int64_t head) {
  if (after >= head) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const int64_t first, FirstKept(tx));
  if (first > 0 && first <= after + 1) {
    return absl::OkStatus();
  }
  const std::string kept = std::to_string(first > 0 ? first : head + 1);
  return base::Error(
      absl::StatusCode::kFailedPrecondition, "EVENTS_PRUNED",
      "Events after " + std::to_string(after) + " are not kept any more; the feed begins at " + kept + " now.",
      {{"first_position", kept}});
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
  event.mutable_payload()->set_value(std::string(row.Text(10)));
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
  absl::StatusOr<End> FindEnd(absl::Time until);

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
    ASSIGN_OR_RETURN(const End end, ReadEnd(tx));
    next = end.head + 1;
    return tx.Query("SELECT id FROM outbox ORDER BY id LIMIT ?", {kBatch},
                    [&](const db::Row& row) { ids.push_back(row.Int64(0)); });
  }));
  SawHead(next - 1);
  if (ids.empty()) {
    return false;
  }

  const auto count = static_cast<int64_t>(ids.size());
  absl::Status elsewhere = absl::AbortedError("numbered by another replica");
  const absl::Status written = database.Write([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t taken,
                     tx.Execute("UPDATE event_sequence SET next_position = ? WHERE id = 1 AND next_position = ?",
                                {next + count, next}));
    if (taken == 0) {
      return elsewhere;
    }
    for (int64_t i = 0; i < count; ++i) {
      // Row by row and by primary key: a range would lock the gaps that other transactions are about to insert into.
      ASSIGN_OR_RETURN(
          const int64_t copied,
          tx.Execute("INSERT INTO events (position, event_id, type, tenant, subject, actor, cause, time, "
                     "schema_version, checksum, payload) "
                     "SELECT ?, event_id, type, tenant, subject, actor, cause, time, schema_version, checksum, payload "
                     "FROM outbox WHERE id = ?",
                     {next + i, ids[i]}));
      ASSIGN_OR_RETURN(const int64_t removed, tx.Execute("DELETE FROM outbox WHERE id = ?", {ids[i]}));
      if (copied != 1 || removed != 1) {
        return elsewhere;
      }
    }
    return absl::OkStatus();
  });
  if (absl::IsAborted(written)) {
    return true;  // look again
  }
  RETURN_IF_ERROR(written);
  SawHead(next - 1 + count);
  return true;
}

void EventLog::Impl::Run() {
  base::Backoff backoff;
  bool failing = false;
  while (true) {
    {
      absl::MutexLock lock(&mutex);
      if (stopping) {
        return;
      }
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
    if (*more) {
      continue;
    }
    absl::MutexLock lock(&mutex);
    const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return notified || stopping; };
    mutex.AwaitWithTimeout(absl::Condition(&wanted), kLookEvery);
  }
}

EventLog::EventLog(db::Database& database) : impl_(std::make_unique<Impl>(database)) {}

EventLog::~EventLog() { Stop(); }

absl::Status EventLog::Append(db::Transaction& tx, const Origin& origin, const google::protobuf::Message& payload) {
  const std::string type(payload.GetDescriptor()->full_name());
  const std::string bytes = db::SerialiseDeterministically(payload);
  if (bytes.size() > base::kLargestEvent) {
    return base::Error(absl::StatusCode::kInvalidArgument, "EVENT_TOO_LARGE",
                       "The event " + type + " of " + origin.subject + " would have " + std::to_string(bytes.size()) +
                           " bytes; at most " + std::to_string(base::kLargestEvent) + " can be sent.");
  }
  const std::string event_id = base::NewUuid();
  RETURN_IF_ERROR(
      tx.Execute("INSERT INTO outbox (event_id, type, tenant, subject, actor, cause, time, schema_version, "
                 "checksum, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                 {event_id, type, origin.tenant, origin.subject, origin.actor, origin.cause,
                  base::ToMicros(origin.time), origin.schema_version, db::ChecksumOf(bytes), db::Bytes{bytes}})
          .status());
  tx.AfterCommit([impl = impl_.get()] { impl->Notify(); });
  return absl::OkStatus();
}

absl::StatusOr<int64_t> EventLog::CountUnnumbered() {
  int64_t count = 0;
  RETURN_IF_ERROR(impl_->database.Lookup([&](db::Transaction& tx) {
    return tx.Query("SELECT COUNT(*) FROM (SELECT id FROM outbox LIMIT 10000) AS unnumbered", {},
                    [&](const db::Row& row) { count = row.Int64(0); });
  }));
  return count;
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

absl::StatusOr<EventLog::End> EventLog::Impl::FindEnd(absl::Time until) {
  End end;
  const auto look = [&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(end, ReadEnd(tx));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(database.Lookup(look, until));
  if (end.incarnation.empty()) {
    // Of two replicas that come here at once, one gives the name and both read it.
    const std::string made = base::NewUuid();
    RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) {
      return tx.Execute("UPDATE event_sequence SET incarnation = ? WHERE id = 1 AND incarnation = ''", {made}).status();
    }));
    RETURN_IF_ERROR(database.Lookup(look, until));
  }
  return end;
}

absl::StatusOr<EventLog::End> EventLog::FindEnd(absl::Time until) { return impl_->FindEnd(until); }

absl::StatusOr<EventLog::End> EventLog::Check(const Place& place, absl::Time until) {
  ASSIGN_OR_RETURN(const End end, impl_->FindEnd(until));
  if (!place.incarnation.empty() && place.incarnation != end.incarnation) {
    bool known = false;
    RETURN_IF_ERROR(impl_->database.Read(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(const Lineage here, ReadLineage(tx));
          known = InCommon(here, place.incarnation).has_value();
          return absl::OkStatus();
        },
        until));
    return base::Error(absl::StatusCode::kFailedPrecondition, known ? "FEED_RESTORED" : "OTHER_INCARNATION",
                       "This feed is " + end.incarnation + ", not " + place.incarnation +
                           ", to which the cursor belongs" +
                           (known ? ": it was restored from a backup and goes on from there." : "."),
                       {{"incarnation", end.incarnation}});
  }
  if (place.after > end.head) {
    return base::Error(absl::StatusCode::kOutOfRange, "AFTER_BEYOND_END",
                       "The feed ends at " + std::to_string(end.head) + ", before " + std::to_string(place.after) +
                           ": this is not the feed that the cursor belongs to.");
  }
  RETURN_IF_ERROR(impl_->database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        std::string there;
        if (!place.event_id.empty()) {
          RETURN_IF_ERROR(tx.Query("SELECT event_id FROM events WHERE position = ?", {place.after},
                                   [&](const db::Row& row) { there = row.Text(0); }));
        }
        if (!there.empty() && there != place.event_id) {
          return base::Error(absl::StatusCode::kFailedPrecondition, "OTHER_EVENT",
                             "The event at " + std::to_string(place.after) + " is " + there + ", not " +
                                 place.event_id + ": this is not the feed that the cursor belongs to.");
        }
        return CheckKept(tx, place.after, end.head);
      },
      until));
  return end;
}

absl::StatusOr<EventLog::Page> EventLog::Read(int64_t after, int limit, std::string_view tenant, absl::Time until) {
  const std::string where = tenant.empty() ? "WHERE position > ? ORDER BY position LIMIT ?"
                                           : "WHERE tenant = ? AND position > ? ORDER BY position LIMIT ?";
  const auto values = [&](int count) {
    return tenant.empty() ? std::vector<db::Value>{after, count} : std::vector<db::Value>{tenant, after, count};
  };
  Page page;
  RETURN_IF_ERROR(impl_->database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        page = Page();
        ASSIGN_OR_RETURN(End end, ReadEnd(tx));
        page.head = end.head;
        page.incarnation = std::move(end.incarnation);
        page.next = std::max(after, page.head);
        if (after >= page.head) {
          return absl::OkStatus();
        }
        RETURN_IF_ERROR(CheckKept(tx, after, page.head));
        // The sizes first, so that a page of large events is not fetched in vain.
        int64_t bytes = 0;
        int count = 0;
        int found = 0;
        RETURN_IF_ERROR(tx.Query("SELECT LENGTH(payload) FROM events " + where, values(limit), [&](const db::Row& row) {
          bytes += row.Int64(0);
          ++found;
          if (count == 0 || bytes <= kPageBytes) {
            ++count;
          }
        }));
        page.events.reserve(count);
        int64_t damaged = 0;
        RETURN_IF_ERROR(
            tx.Query("SELECT position, event_id, type, tenant, subject, actor, cause, time, schema_version, checksum, "
                     "payload FROM events " +
                         where,
                     values(count), [&](const db::Row& row) {
                       page.events.push_back(ToEvent(row));
                       if (damaged == 0 && db::ChecksumOf(row.Text(10)) != row.Int64(9)) {
                         damaged = row.Int64(0);
                       }
                     }));
        if (damaged != 0) {
          return absl::DataLossError("the event at " + std::to_string(damaged) + " is not what was written");
        }
        if (found == limit || count < found) {
          page.next = page.events.back().position();
        }
        return absl::OkStatus();
      },
      until));
  return page;
}

absl::Status EventLog::Register(std::string_view follower, int64_t position) {
  return impl_->database.Write([&](db::Transaction& tx) -> absl::Status {
    const absl::Status inserted =
        tx.Execute("INSERT INTO feed_followers (follower, position) VALUES (?, ?)", {follower, position}).status();
    if (!absl::IsAlreadyExists(inserted)) {
      return inserted;
    }
    return tx.Execute("UPDATE feed_followers SET position = ? WHERE follower = ?", {position, follower}).status();
  });
}

absl::StatusOr<int> EventLog::Prune(absl::Time now, absl::Duration keep, int limit) {
  const int64_t before = base::ToMicros(now - keep);
  int64_t pruned = 0;
  RETURN_IF_ERROR(impl_->database.Write([&](db::Transaction& tx) -> absl::Status {
    pruned = 0;
    ASSIGN_OR_RETURN(const End end, ReadEnd(tx));
    int64_t needed = end.head;
    RETURN_IF_ERROR(tx.Query("SELECT MIN(position) FROM feed_followers", {}, [&](const db::Row& row) {
      if (!row.IsNull(0)) {
        needed = std::min(needed, row.Int64(0));
      }
    }));
    // From the front, up to the first that is to be kept: what is left has no gap.
    int64_t last = 0;
    bool old = true;
    RETURN_IF_ERROR(tx.Query("SELECT position, time FROM events WHERE position < ? ORDER BY position LIMIT ?",
                             {needed, limit}, [&](const db::Row& row) {
                               old = old && row.Int64(1) < before;
                               if (old) {
                                 last = row.Int64(0);
                               }
                             }));
    if (last == 0) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(pruned, tx.Execute("DELETE FROM events WHERE position <= ?", {last}));
    return absl::OkStatus();
  }));
  return static_cast<int>(pruned);
}

absl::StatusOr<int> EventLog::CheckStorage(int64_t& after, int limit, std::vector<db::Damage>& damage) {
  int count = 0;
  RETURN_IF_ERROR(impl_->database.Read([&](db::Transaction& tx) {
    return tx.Query("SELECT position, checksum, payload FROM events WHERE position > ? ORDER BY position LIMIT ?",
                    {after, limit}, [&](const db::Row& row) {
                      ++count;
                      after = row.Int64(0);
                      db::CheckContent("events", std::to_string(after), row.Text(2), row.Int64(1), damage);
                    });
  }));
  return count;
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
