#include "libs/events/recovery.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/clock.h"
#include "libs/base/error_text.h"
#include "libs/base/ids.h"
#include "libs/base/status.h"

namespace section55::events {
namespace {

using google::protobuf::util::TimeUtil;

constexpr int kMostFindings = 1000;

absl::Status PutAncestor(db::Transaction& tx, std::string_view incarnation, int64_t last_position) {
  const absl::Status inserted =
      tx.Execute("INSERT INTO feed_ancestors (incarnation, last_position) VALUES (?, ?)", {incarnation, last_position})
          .status();
  return absl::IsAlreadyExists(inserted) ? absl::OkStatus() : inserted;
}

}  // namespace

common::v1::Event MakeHeldEvent(std::string_view tenant, std::string_view subject,
                                const google::protobuf::Message& payload, std::string_view event_id) {
  common::v1::Event event;
  event.set_event_id(event_id.empty() ? base::NewUuid() : std::string(event_id));
  event.mutable_payload()->PackFrom(payload);
  event.set_schema_version(1);
  event.set_tenant(std::string(tenant));
  event.set_subject(std::string(subject));
  return event;
}

absl::StatusOr<Lineage> ReadLineage(db::Transaction& tx) {
  Lineage lineage;
  RETURN_IF_ERROR(
      tx.Query("SELECT incarnation, next_position FROM event_sequence WHERE id = 1", {}, [&](const db::Row& row) {
        lineage.incarnation = row.Text(0);
        lineage.head = row.Int64(1) - 1;
      }));
  RETURN_IF_ERROR(tx.Query("SELECT incarnation, last_position FROM feed_ancestors", {}, [&](const db::Row& row) {
    lineage.ancestors.push_back({std::string(row.Text(0)), row.Int64(1)});
  }));
  return lineage;
}

std::optional<int64_t> InCommon(const Lineage& here, std::string_view incarnation) {
  if (incarnation.empty()) {
    return std::nullopt;  // nobody has ever asked for that feed
  }
  if (incarnation == here.incarnation) {
    return here.head;
  }
  for (const Lineage::Feed& feed : here.ancestors) {
    if (feed.incarnation == incarnation) {
      return feed.last_position;
    }
  }
  return std::nullopt;
}

absl::Status BeginRecovery(db::Transaction& tx, absl::Time backup, absl::Time now,
                           const std::optional<Lineage>& replaced, const std::vector<std::string>& without) {
  ASSIGN_OR_RETURN(const Lineage restored, ReadLineage(tx));
  if (!restored.incarnation.empty()) {
    RETURN_IF_ERROR(PutAncestor(tx, restored.incarnation, restored.head));
  }
  // What the replaced feed has in common with the backup's is in common with this one, and no more than that.
  if (const auto common = replaced ? InCommon(*replaced, restored.incarnation) : std::nullopt) {
    const int64_t last = std::min(*common, restored.head);
    RETURN_IF_ERROR(PutAncestor(tx, replaced->incarnation, last));
    for (const Lineage::Feed& feed : replaced->ancestors) {
      RETURN_IF_ERROR(PutAncestor(tx, feed.incarnation, std::min(feed.last_position, last)));
    }
  }
  RETURN_IF_ERROR(tx.Execute("UPDATE event_sequence SET incarnation = ? WHERE id = 1", {base::NewUuid()}).status());
  for (const char* table : {"awaited_followers", "recovery_findings"}) {
    RETURN_IF_ERROR(tx.Execute(std::string("DELETE FROM ") + table).status());
  }
  RETURN_IF_ERROR(tx.Execute("INSERT INTO awaited_followers (follower) SELECT follower FROM feed_followers").status());
  for (const std::string& follower : without) {
    RETURN_IF_ERROR(StopAwaitingFollower(tx, follower).status());
  }
  RETURN_IF_ERROR(tx.Execute("DELETE FROM awaited_sources").status());
  RETURN_IF_ERROR(tx.Execute("INSERT INTO awaited_sources (source) SELECT source FROM follower_cursors").status());
  return tx
      .Execute("INSERT INTO recoveries (restore_time, backup_time) VALUES (?, ?)",
               {base::ToMicros(now), base::ToMicros(backup)})
      .status();
}

absl::StatusOr<Awaited> FindAwaited(db::Transaction& tx) {
  Awaited awaited;
  RETURN_IF_ERROR(tx.Query("SELECT follower FROM awaited_followers ORDER BY follower", {},
                           [&](const db::Row& row) { awaited.followers.emplace_back(row.Text(0)); }));
  RETURN_IF_ERROR(tx.Query("SELECT source FROM awaited_sources ORDER BY source", {},
                           [&](const db::Row& row) { awaited.sources.emplace_back(row.Text(0)); }));
  return awaited;
}

absl::StatusOr<bool> StopAwaitingFollower(db::Transaction& tx, std::string_view follower) {
  ASSIGN_OR_RETURN(const int64_t deleted, tx.Execute("DELETE FROM awaited_followers WHERE follower = ?", {follower}));
  return deleted > 0;
}

absl::StatusOr<bool> StopAwaitingSource(db::Transaction& tx, std::string_view source) {
  ASSIGN_OR_RETURN(const int64_t deleted, tx.Execute("DELETE FROM awaited_sources WHERE source = ?", {source}));
  return deleted > 0;
}

absl::Status Note(db::Transaction& tx, const common::v1::Event& event, Finding finding, absl::Time now,
                  std::string_view what) {
  const std::string text = base::Printable(what);
  const bool open = finding == Finding::kOpen;
  ASSIGN_OR_RETURN(
      const int64_t changed,
      tx.Execute("UPDATE recovery_findings SET is_open = ?, time = ?, finding = ? WHERE subject = ? AND follower = ?",
                 {open, base::ToMicros(now), text, event.subject(), event.actor()}));
  if (changed > 0) {
    return absl::OkStatus();
  }
  return tx
      .Execute("INSERT INTO recovery_findings (subject, follower, is_open, time, finding) VALUES (?, ?, ?, ?, ?)",
               {event.subject(), event.actor(), open, base::ToMicros(now), text})
      .status();
}

absl::Status SettleFindings(db::Transaction& tx, std::string_view subject) {
  return tx.Execute("DELETE FROM recovery_findings WHERE subject = ? AND is_open = 1", {subject}).status();
}

absl::StatusOr<admin::v1::RecoveryStatus> DescribeRecovery(db::Transaction& tx) {
  admin::v1::RecoveryStatus status;
  RETURN_IF_ERROR(tx.Query("SELECT backup_time, restore_time FROM recoveries ORDER BY restore_time DESC LIMIT 1", {},
                           [&](const db::Row& row) {
                             *status.mutable_backup_time() = TimeUtil::MicrosecondsToTimestamp(row.Int64(0));
                             *status.mutable_restore_time() = TimeUtil::MicrosecondsToTimestamp(row.Int64(1));
                           }));
  ASSIGN_OR_RETURN(const Awaited awaited, FindAwaited(tx));
  for (const std::string& follower : awaited.followers) {
    status.add_awaited_followers(follower);
  }
  for (const std::string& source : awaited.sources) {
    status.add_awaited_sources(source);
  }
  RETURN_IF_ERROR(
      tx.Query("SELECT subject, follower, is_open, finding, time FROM recovery_findings "
               "ORDER BY is_open DESC, subject DESC, follower DESC LIMIT ?",
               {kMostFindings}, [&](const db::Row& row) {
                 admin::v1::RecoveryFinding& finding = *status.add_findings();
                 finding.set_subject(std::string(row.Text(0)));
                 finding.set_follower(std::string(row.Text(1)));
                 finding.set_open(row.Int64(2) != 0);
                 finding.set_text(std::string(row.Text(3)));
                 *finding.mutable_time() = TimeUtil::MicrosecondsToTimestamp(row.Int64(4));
               }));
  return status;
}

}  // namespace section55::events
