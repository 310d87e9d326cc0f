// A feed that goes on after its service was restored from a backup.
//
// The restored feed is another incarnation of the one that the backup was made of: up to the backup they have the same events, and no
// follower takes the one for the other. A follower whose cursor is of the old one is told FEED_RESTORED, gives back what it holds
// (section55.admin.v1.Recovery), and goes on after the last event that both have.
//
// Every function works in the transaction it is given.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "section55/admin/v1/recovery.pb.h"
#include "section55/common/v1/event_feed.pb.h"

namespace section55::events {

// Hands over what a service holds of what one of those it follows told it, a page at a time, as the events that the other would have to
// tell. `after` is empty at first and its own from then on. A page without events is the end.
using Holding =
    std::function<absl::Status(db::Transaction& tx, std::string& after, std::vector<common::v1::Event>& page)>;

// A page of a Holding ends when it has this many events or bytes.
inline constexpr int kHoldingPage = 20;

// An event as a Holding hands it over. `event_id`: what is known of it, else empty.
common::v1::Event MakeHeldEvent(std::string_view tenant, std::string_view subject,
                                const google::protobuf::Message& payload, std::string_view event_id = "");

// The feed that a database holds, and those that it goes on from.
struct Lineage {
  struct Feed {
    std::string incarnation;
    int64_t last_position = 0;  // of what is the same here
  };
  std::string incarnation;  // empty: nobody has asked for it yet
  int64_t head = 0;
  std::vector<Feed> ancestors;
};
absl::StatusOr<Lineage> ReadLineage(db::Transaction& tx);

// What of a follower's feed is the same here: nothing for a feed that is not known.
std::optional<int64_t> InCommon(const Lineage& here, std::string_view incarnation);

// In a database that was just restored: a new incarnation; everybody who follows is awaited, but for `without`, and so is the end of every
// feed that is followed. `replaced`: the database
// that stood in its place, if that could be read, so that its followers are recognised too.
absl::Status BeginRecovery(db::Transaction& tx, absl::Time backup, absl::Time now,
                           const std::optional<Lineage>& replaced, const std::vector<std::string>& without);

// Who has still to give back what they hold, and whose feed has not been followed to its end since the restore: until then timers would go
// by what is long out of date.
struct Awaited {
  std::vector<std::string> followers;
  std::vector<std::string> sources;
};
absl::StatusOr<Awaited> FindAwaited(db::Transaction& tx);
// False: it was not awaited.
absl::StatusOr<bool> StopAwaitingFollower(db::Transaction& tx, std::string_view follower);
absl::StatusOr<bool> StopAwaitingSource(db::Transaction& tx, std::string_view source);

// Notes what was found about what `event` gave back, in place of what the same follower said of the same subject. `what`: a sentence in
// ASCII; of an open one also what to do.
enum class Finding { kTakenIn, kOpen };
absl::Status Note(db::Transaction& tx, const common::v1::Event& event, Finding finding, absl::Time now,
                  std::string_view what);
// Nobody need look at this subject any more.
absl::Status SettleFindings(db::Transaction& tx, std::string_view subject);

absl::StatusOr<admin::v1::RecoveryStatus> DescribeRecovery(db::Transaction& tx);

}  // namespace section55::events
