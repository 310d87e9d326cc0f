// All SQL of publication. Every function works in the transaction it is given and commits nothing by itself.
// Ids are without their collection: "norfolk-pcc", "safe-to-share". What cannot be read back as it was written is DATA_LOSS.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/publication/v1/publication.pb.h"

namespace section55::publication::store {

using Format = v1::GetRenditionRequest::Format;

// What names a publication.
struct Key {
  std::string body;
  std::string inspection;
};

// All tables that hold messages, for Admin.CheckStorage.
std::vector<const db::MessageTable*> Tables();

// Keeps what was approved, without its report, and the report once for each wording of it; the response has a proper name and edition.
// `event` is the id of the event that told of it: it tells a new approval from the refused one delivered again, whatever the clocks
// say. False: this edition is here already and was not refused, or was refused after this same approval; nothing is changed then.
absl::StatusOr<bool> SaveApproval(db::Transaction& tx, const Key& key, const authoring::v1::Response& approved,
                                  std::string_view event);

// What was approved as that edition, with its report. NOT_FOUND: nothing was, or it was refused.
absl::StatusOr<authoring::v1::Response> LoadApproval(db::Transaction& tx, const Key& key, int64_t edition);

// Notes that the edition could not be published: only a later approval of it counts.
absl::Status RefuseApproval(db::Transaction& tx, const Key& key, int64_t edition);

// Where an approval that was not refused stands, and the id of the event that told of it.
struct ApprovalPlace {
  Key key;
  int64_t edition = 0;
  std::string event_id = {};
};
// By body, inspection and edition after one; at most `limit`.
absl::StatusOr<std::vector<ApprovalPlace>> ApprovalsAfter(db::Transaction& tx, const ApprovalPlace& after, int limit);

// Remembers what others know of an edition whose record was lost: the instant at which it was published. kFirstInstant stands for the
// first edition's, known from somebody who counts no editions. What is remembered already stays.
inline constexpr int64_t kFirstInstant = 0;
absl::Status RememberInstant(db::Transaction& tx, const Key& key, int64_t edition, absl::Time published);
absl::StatusOr<std::optional<absl::Time>> RememberedInstant(db::Transaction& tx, const Key& key, int64_t edition);

// Adds a publication, or puts a later edition in the place of the one that was public.
absl::Status SavePublication(db::Transaction& tx, const Key& key, const v1::PublicationRecord& record);

// The publication as it stands; nothing when the body has published nothing in response to that report.
absl::StatusOr<std::optional<v1::PublicationRecord>> FindPublication(db::Transaction& tx, const Key& key);

// The same; NOT_FOUND, naming the resource.
absl::StatusOr<v1::PublicationRecord> LoadPublication(db::Transaction& tx, const Key& key);

// Where a publication stands in a list.
struct PublicationPlace {
  int64_t published_micros = 0;  // of the edition that is public
  Key key;
};

PublicationPlace PlaceOf(const v1::PublicationRecord& record);

// Which publications a list shows.
struct PublicationQuery {
  std::string body = {};                       // one body's only; empty: everybody's
  std::string inspection = {};                 // those in response to one report only; empty: to all
  std::optional<PublicationPlace> after = {};  // those that come after this one
  int limit = 0;
};

// The edition published latest first; of one instant, by body and inspection backwards.
absl::StatusOr<std::vector<v1::PublicationRecord>> ListPublications(db::Transaction& tx, const PublicationQuery& query);

// Adds the bytes of a rendition, or puts them in the place of those of the same edition.
absl::Status SaveRendition(db::Transaction& tx, const Key& key, int64_t edition, Format format, std::string_view bytes);

// How many bytes each rendition of an edition has that is there, by format.
using Sizes = std::map<Format, int64_t>;

// Whether readers can read that edition.
absl::StatusOr<bool> HasRendition(db::Transaction& tx, const Key& key, int64_t edition);

// The bytes of a rendition of the edition that the publication's record is about. NOT_FOUND, naming the publication.
absl::StatusOr<std::string> LoadRendition(db::Transaction& tx, const Key& key, Format format);

// The bytes of a rendition of the newest edition, whose instant may still have to be recorded. NOT_FOUND, naming the publication.
absl::StatusOr<std::string> LoadNewestRendition(db::Transaction& tx, const Key& key, Format format);

// The sizes of the renditions of that edition.
absl::StatusOr<Sizes> NewestSizes(db::Transaction& tx, const Key& key);

// Adds a copy owed, of the edition and with the id that its name says. ALREADY_EXISTS.
absl::Status InsertCopy(db::Transaction& tx, const Key& key, const v1::Copy& copy);

// Where a copy stands among those of its publication.
struct CopyPlace {
  int64_t edition = 0;
  int64_t kind = 0;
  std::string copy_id;
};

CopyPlace PlaceOf(const v1::Copy& copy);

// By edition, recipient kind and id, after a place.
absl::StatusOr<std::vector<v1::Copy>> ListCopies(db::Transaction& tx, const Key& key, const CopyPlace& after,
                                                 int limit);

// Adds a recipient under the id in its name. ALREADY_EXISTS, naming it.
absl::Status InsertRecipient(db::Transaction& tx, const v1::Recipient& recipient);

// By id, after an id.
absl::StatusOr<std::vector<v1::Recipient>> ListRecipients(db::Transaction& tx, std::string_view after, int limit);

// The recipients of a body's copies that are valid on that day, the body's own and those of every body, by id.
absl::StatusOr<std::vector<v1::Recipient>> RecipientsOn(db::Transaction& tx, std::string_view body, absl::CivilDay day);

}  // namespace section55::publication::store
