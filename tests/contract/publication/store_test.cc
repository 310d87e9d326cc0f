// The store of publication keeps the same promises on both engines.
#include "services/publication/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/plans.h"
#include "publication_schema.h"

namespace section55::publication::store {
namespace {

using ::section55::testing::EqualsProto;
using ::section55::testing::HasReason;
using ::section55::testing::IsOk;
using ::section55::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v1::Copy;
using v1::GetRenditionRequest;

v1::PublicationRecord Record(const Key& key, int64_t micros, int edition = 1) {
  v1::PublicationRecord record;
  record.set_name("bodies/" + key.body + "/publications/" + key.inspection);
  *record.mutable_edition_published_time() = base::ToTimestamp(absl::FromUnixMicros(micros));
  record.set_edition(edition);
  record.set_body_title("Comisiynydd ŵ ŷ 🏴");
  return record;
}

v1::Recipient MakeRecipient(const std::string& id, const std::string& body, absl::CivilDay from,
                            std::optional<absl::CivilDay> to = std::nullopt) {
  v1::Recipient recipient;
  recipient.set_name("recipients/" + id);
  recipient.set_body(body);
  *recipient.mutable_valid_from() = base::ToProtoDate(from);
  if (to) {
    *recipient.mutable_valid_to() = base::ToProtoDate(*to);
  }
  return recipient;
}

class PublicationStoreTest : public section55::testing::OnBothEngines {
 protected:
  PublicationStoreTest() : OnBothEngines({MigrationSchema()}) {}

  void Write(absl::FunctionRef<absl::Status(db::Transaction&)> body) { ASSERT_THAT(database().Write(body), IsOk()); }

  void Save(const Key& key, int64_t micros, int edition = 1) {
    Write([&](db::Transaction& tx) { return SavePublication(tx, key, Record(key, micros, edition)); });
  }

  // The result of a function of the store in a Read of its own.
  template <typename Function>
  auto Read(Function function) {
    decltype(function(std::declval<db::Transaction&>())) result = absl::UnknownError("not run");
    const absl::Status status = database().Read([&](db::Transaction& tx) -> absl::Status {
      result = function(tx);
      return result.status();
    });
    EXPECT_EQ(status, result.status());
    return result;
  }

  std::vector<std::string> List(const PublicationQuery& query) {
    const auto found = Read([&](db::Transaction& tx) { return ListPublications(tx, query); });
    EXPECT_THAT(found, IsOk());
    std::vector<std::string> names;
    for (const v1::PublicationRecord& record : found.value_or(std::vector<v1::PublicationRecord>())) {
      const PublicationPlace place = PlaceOf(record);
      names.push_back(place.key.body + "/" + place.key.inspection);
    }
    return names;
  }

  std::vector<std::string> On(absl::CivilDay day) {
    std::vector<std::string> names;
    const auto found = Read([&](db::Transaction& tx) { return RecipientsOn(tx, "norfolk-pcc", day); });
    EXPECT_THAT(found, IsOk());
    for (const v1::Recipient& recipient : found.value_or(std::vector<v1::Recipient>())) {
      names.push_back(recipient.name().substr(std::string("recipients/").size()));
    }
    return names;
  }
};

TEST_P(PublicationStoreTest, KeepsAPublicationAsItIs) {
  const Key key{"norfolk-pcc", "safe-to-share"};
  Save(key, 1612862130123456);
  EXPECT_THAT(*Read([&](db::Transaction& tx) { return LoadPublication(tx, key); }),
              EqualsProto(Record(key, 1612862130123456)));
  EXPECT_THAT(Read([&](db::Transaction& tx) {
                return LoadPublication(tx, {"norfolk-pcc", "other"});
              }),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(*Read([&](db::Transaction& tx) {
    return FindPublication(tx, {"norfolk", "safe-to-share"});
  }),
            std::nullopt);
}

TEST_P(PublicationStoreTest, PutsALaterEditionInThePlaceOfTheEarlier) {
  const Key key{"norfolk-pcc", "safe-to-share"};
  Save(key, 1000, 1);
  Save(key, 2000, 2);
  EXPECT_EQ(Read([&](db::Transaction& tx) { return LoadPublication(tx, key); })->edition(), 2);
  EXPECT_THAT(List({.limit = 10}), ElementsAre("norfolk-pcc/safe-to-share"));
}

TEST_P(PublicationStoreTest, RefusesWhatIsTooLongOrNotAscii) {
  for (const std::string& id : {std::string(64, 'a'), std::string("ŵyl")}) {
    const v1::Recipient recipient = MakeRecipient(id, "", absl::CivilDay(2021, 1, 1));
    const absl::Status status = database().Write([&](db::Transaction& tx) { return InsertRecipient(tx, recipient); });
    // SQLite has no ASCII columns: there rules keep such ids out.
    if (id.size() == 64 || GetParam() == db::Engine::kMysql) {
      EXPECT_THAT(status, HasReason("VALUE_REFUSED")) << id;
    }
  }
}

TEST_P(PublicationStoreTest, ListsTheLatestFirstPageByPage) {
  Save({"a-pcc", "one"}, 1000);
  Save({"b-pcc", "one"}, 3000);
  Save({"c-pcc", "one"}, 2000);
  Save({"c-pcc", "two"}, 2000);
  Save({"d-pcc", "one"}, 2000);
  EXPECT_THAT(List({.limit = 10}), ElementsAre("b-pcc/one", "d-pcc/one", "c-pcc/two", "c-pcc/one", "a-pcc/one"));
  EXPECT_THAT(List({.limit = 2}), ElementsAre("b-pcc/one", "d-pcc/one"));
  EXPECT_THAT(List({.after = PublicationPlace{2000, {"d-pcc", "one"}}, .limit = 2}),
              ElementsAre("c-pcc/two", "c-pcc/one"));
  EXPECT_THAT(List({.after = PublicationPlace{2000, {"c-pcc", "one"}}, .limit = 2}), ElementsAre("a-pcc/one"));
  EXPECT_THAT(List({.body = "c-pcc", .limit = 10}), ElementsAre("c-pcc/two", "c-pcc/one"));
  EXPECT_THAT(List({.inspection = "two", .limit = 10}), ElementsAre("c-pcc/two"));
  EXPECT_THAT(List({.body = "c-pcc", .after = PublicationPlace{2000, {"c-pcc", "two"}}, .limit = 10}),
              ElementsAre("c-pcc/one"));
  EXPECT_THAT(List({.body = "nobody", .limit = 10}), IsEmpty());
}

TEST_P(PublicationStoreTest, ListsReadAnIndexInItsOrder) {
  Write([&](db::Transaction& tx) -> absl::Status {
    for (int i = 0; i < 2000; ++i) {
      const Key key{"body-" + std::to_string(i % 40), "report-" + std::to_string(i / 40)};
      RETURN_IF_ERROR(SavePublication(tx, key, Record(key, 1'000'000 + i)));
    }
    return absl::OkStatus();
  });
  section55::testing::UpdateStatistics(database(), "publications");
  for (const std::string body : {"", "body-7"}) {
    for (const std::string inspection : {"", "report-7"}) {
      for (const bool later_page : {false, true}) {
        PublicationQuery query{.body = body, .inspection = inspection, .limit = 10};
        if (later_page) {
          query.after = PublicationPlace{1'001'000, {"body-9", "report-9"}};
        }
        EXPECT_THAT(Read([&](db::Transaction& tx) -> absl::StatusOr<int> {
                      section55::testing::ExplainingTransaction explaining(tx, database().engine());
                      RETURN_IF_ERROR(ListPublications(explaining, query).status());
                      EXPECT_THAT(explaining.plans(), ::testing::Not(IsEmpty()));
                      EXPECT_THAT(explaining.plans(), ::testing::Each(section55::testing::SearchesAnIndex()))
                          << body << inspection << later_page;
                      return 0;
                    }),
                    IsOk());
      }
    }
  }
}

TEST_P(PublicationStoreTest, GivesTheRenditionOfTheEditionThatIsPublic) {
  const Key key{"norfolk-pcc", "safe-to-share"};
  const std::string bytes("{\"a\":\"\0ŵ\xff\"}", 13);
  Save(key, 1000, 1);
  Write([&](db::Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(SaveRendition(tx, key, 1, GetRenditionRequest::JSON, bytes));
    return SaveRendition(tx, key, 1, GetRenditionRequest::HTML, "<p>");
  });
  const auto load = [&](GetRenditionRequest::Format format) {
    return Read([&](db::Transaction& tx) { return LoadRendition(tx, key, format); });
  };
  EXPECT_EQ(*load(GetRenditionRequest::JSON), bytes);
  EXPECT_EQ(*load(GetRenditionRequest::HTML), "<p>");
  EXPECT_THAT(*Read([&](db::Transaction& tx) { return NewestSizes(tx, key); }),
              ::testing::Contains(::testing::Pair(GetRenditionRequest::HTML, 3)));
  Write([&](db::Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(SavePublication(tx, key, Record(key, 2000, 2)));
    return SaveRendition(tx, key, 2, GetRenditionRequest::JSON, "second");
  });
  EXPECT_EQ(*load(GetRenditionRequest::JSON), "second");
  EXPECT_THAT(load(GetRenditionRequest::HTML), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(PublicationStoreTest, GivesReadersTheNewestEditionAndCallersTheOneWhoseInstantIsRecorded) {
  const Key key{"norfolk-pcc", "safe-to-share"};
  const auto newest = [&] {
    return Read([&](db::Transaction& tx) { return LoadNewestRendition(tx, key, GetRenditionRequest::HTML); });
  };
  const auto recorded = [&] {
    return Read([&](db::Transaction& tx) { return LoadRendition(tx, key, GetRenditionRequest::HTML); });
  };
  const auto save = [&](int64_t edition, std::string_view bytes) {
    Write([&](db::Transaction& tx) { return SaveRendition(tx, key, edition, GetRenditionRequest::HTML, bytes); });
  };
  EXPECT_THAT(newest(), StatusIs(absl::StatusCode::kNotFound));
  save(9, "nine");
  EXPECT_EQ(*newest(), "nine");
  EXPECT_THAT(recorded(), StatusIs(absl::StatusCode::kNotFound));
  Save(key, 1000, 9);
  save(10, "ten");
  EXPECT_EQ(*newest(), "ten");
  EXPECT_EQ(*recorded(), "nine");
  save(10, "ten again");
  EXPECT_EQ(*newest(), "ten again");
  EXPECT_TRUE(*Read([&](db::Transaction& tx) { return HasRendition(tx, key, 10); }));
  EXPECT_FALSE(*Read([&](db::Transaction& tx) { return HasRendition(tx, key, 11); }));
}

TEST_P(PublicationStoreTest, HandsOutNothingThatWasDamaged) {
  const Key key{"norfolk-pcc", "safe-to-share"};
  Save(key, 1000);
  Write([&](db::Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(SaveRendition(tx, key, 1, GetRenditionRequest::HTML, "<p>what was published</p>"));
    return tx.Execute("UPDATE renditions SET checksum = checksum + 1").status();
  });
  const auto newest =
      Read([&](db::Transaction& tx) { return LoadNewestRendition(tx, key, GetRenditionRequest::HTML); });
  EXPECT_THAT(newest, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(std::string(newest.status().message()), ::testing::HasSubstr("renditions"));
  EXPECT_THAT(Read([&](db::Transaction& tx) { return LoadRendition(tx, key, GetRenditionRequest::HTML); }),
              StatusIs(absl::StatusCode::kDataLoss));
}

authoring::v1::Response Approved(int edition, int64_t approved_seconds, const std::string& comments) {
  authoring::v1::Response response;
  response.set_name("bodies/norfolk-pcc/responses/safe-to-share");
  response.mutable_report()->set_title("Safe to share?");
  response.set_comments(comments);
  response.set_edition(edition);
  response.mutable_approval()->mutable_time()->set_seconds(approved_seconds);
  return response;
}

TEST_P(PublicationStoreTest, KeepsEachApprovalWithItsReport) {
  const Key key{"norfolk-pcc", "safe-to-share"};
  authoring::v1::Response second = Approved(2, 20, "second");
  second.mutable_report()->set_title("Safe to share? (corrected)");
  const auto save = [&](const authoring::v1::Response& response, std::string_view event) {
    bool counts = false;
    Write([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(counts, SaveApproval(tx, key, response, event));
      return absl::OkStatus();
    });
    return counts;
  };
  const auto load = [&](int64_t edition) {
    return Read([&](db::Transaction& tx) { return LoadApproval(tx, key, edition); });
  };
  EXPECT_TRUE(save(Approved(1, 10, "first"), "event-1"));
  EXPECT_TRUE(save(second, "event-2"));
  EXPECT_FALSE(save(Approved(1, 11, "another first"), "event-3"));
  EXPECT_THAT(*load(1), EqualsProto(Approved(1, 10, "first")));
  EXPECT_THAT(*load(2), EqualsProto(second));
  EXPECT_THAT(load(3), StatusIs(absl::StatusCode::kNotFound));

  Write([&](db::Transaction& tx) { return RefuseApproval(tx, key, 1); });
  EXPECT_THAT(load(1), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(save(Approved(1, 10, "first"), "event-1"));
  // By a clock that stands still, or was set back.
  EXPECT_TRUE(save(Approved(1, 9, "mended"), "event-4"));
  EXPECT_THAT(*load(1), EqualsProto(Approved(1, 9, "mended")));
}

TEST_P(PublicationStoreTest, FindsDamageInEveryTable) {
  std::vector<std::string> names;
  for (const db::MessageTable* table : Tables()) {
    names.push_back(table->name());
    std::vector<std::string> after;
    std::vector<db::Damage> damage;
    EXPECT_EQ(*Read([&](db::Transaction& tx) { return table->Check(tx, after, 10, damage); }), 0);
  }
  EXPECT_THAT(names, ElementsAre("publications", "renditions", "copies", "recipients", "reports", "approvals"));
}

TEST_P(PublicationStoreTest, KeepsALargeRendition) {
  const Key key{"norfolk-pcc", "safe-to-share"};
  const std::string large(3 * 1024 * 1024, 'x');
  Save(key, 1000);
  Write([&](db::Transaction& tx) { return SaveRendition(tx, key, 1, GetRenditionRequest::JSON, large); });
  EXPECT_EQ(*Read([&](db::Transaction& tx) { return LoadRendition(tx, key, GetRenditionRequest::JSON); }), large);
}

TEST_P(PublicationStoreTest, ListsCopiesByEditionAndKind) {
  const Key key{"norfolk-pcc", "safe-to-share"};
  const std::string base = "bodies/norfolk-pcc/publications/safe-to-share/editions/";
  const std::vector<std::pair<std::string, Copy::RecipientKind>> copies = {
      {"2/copies/inspectorate", Copy::INSPECTORATE},
      {"1/copies/victims", Copy::OTHER},
      {"1/copies/library", Copy::OTHER},
      {"1/copies/secretary-of-state", Copy::SECRETARY_OF_STATE},
      {"1/copies/inspectorate", Copy::INSPECTORATE}};
  Write([&](db::Transaction& tx) -> absl::Status {
    for (const auto& [name, kind] : copies) {
      Copy copy;
      copy.set_name(base + name);
      copy.set_recipient_kind(kind);
      RETURN_IF_ERROR(InsertCopy(tx, key, copy));
    }
    return absl::OkStatus();
  });
  CopyPlace after;
  std::vector<std::string> names;
  for (int page = 0; page < 4; ++page) {
    const auto found = Read([&](db::Transaction& tx) { return ListCopies(tx, key, after, 2); });
    ASSERT_THAT(found, IsOk());
    for (const Copy& copy : *found) {
      names.push_back(copy.name().substr(base.size()));
      after = PlaceOf(copy);
    }
  }
  EXPECT_THAT(names, ElementsAre("1/copies/inspectorate", "1/copies/secretary-of-state", "1/copies/library",
                                 "1/copies/victims", "2/copies/inspectorate"));
}

TEST_P(PublicationStoreTest, RefusesASecondRecipientOfOneName) {
  Write([&](db::Transaction& tx) {
    return InsertRecipient(tx, MakeRecipient("hmicfrs", "", absl::CivilDay(2021, 1, 1)));
  });
  EXPECT_THAT(database().Write([&](db::Transaction& tx) {
    return InsertRecipient(tx, MakeRecipient("hmicfrs", "bodies/norfolk-pcc", absl::CivilDay(2022, 1, 1)));
  }),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_P(PublicationStoreTest, FindsTheRecipientsOfADay) {
  Write([&](db::Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(
        InsertRecipient(tx, MakeRecipient("january", "", absl::CivilDay(2021, 1, 1), absl::CivilDay(2021, 1, 31))));
    RETURN_IF_ERROR(InsertRecipient(tx, MakeRecipient("for-ever", "bodies/norfolk-pcc", absl::CivilDay(2021, 1, 31))));
    return InsertRecipient(tx, MakeRecipient("not-ours", "bodies/suffolk-pcc", absl::CivilDay(2021, 1, 1)));
  });
  EXPECT_THAT(On(absl::CivilDay(2020, 12, 31)), IsEmpty());
  EXPECT_THAT(On(absl::CivilDay(2021, 1, 1)), ElementsAre("january"));
  EXPECT_THAT(On(absl::CivilDay(2021, 1, 31)), ElementsAre("for-ever", "january"));
  EXPECT_THAT(On(absl::CivilDay(2021, 2, 1)), ElementsAre("for-ever"));
  EXPECT_THAT(On(absl::CivilDay(9999, 12, 31)), ElementsAre("for-ever"));
}

TEST_P(PublicationStoreTest, ListsRecipientsByNamePageByPage) {
  Write([&](db::Transaction& tx) -> absl::Status {
    for (const char* id : {"b", "a-b", "a", "ab"}) {
      RETURN_IF_ERROR(InsertRecipient(tx, MakeRecipient(id, "", absl::CivilDay(2021, 1, 1))));
    }
    return absl::OkStatus();
  });
  const auto list = [&](std::string_view after) {
    std::vector<std::string> names;
    const auto found = Read([&](db::Transaction& tx) { return ListRecipients(tx, after, 3); });
    EXPECT_THAT(found, IsOk());
    for (const v1::Recipient& recipient : found.value_or(std::vector<v1::Recipient>())) {
      names.push_back(recipient.name());
    }
    return names;
  };
  EXPECT_THAT(list(""), ElementsAre("recipients/a", "recipients/a-b", "recipients/ab"));
  EXPECT_THAT(list("ab"), ElementsAre("recipients/b"));
}

SECTION55_ON_BOTH_ENGINES(PublicationStoreTest);

}  // namespace
}  // namespace section55::publication::store
