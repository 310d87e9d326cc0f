// The contract of response-authoring's store, on SQLite and on MariaDB.
#include "services/response-authoring/store.h"

#include "tests/contract/authoring/fixture.h"

namespace section55::authoring::store {
namespace {

TEST_P(StoreTest, AResponseComesBackAsItWasSavedWithTheEtagOfItsVersion) {
  StoredResponse stored = NewResponse("norfolk-pcc", "safe-to-share");
  stored.response.set_comments(std::string("Cymraeg: ŵ ŷ “quoted” \0 end", 30));
  ASSERT_THAT(Insert(stored), IsOk());
  const auto loaded = Load("norfolk-pcc", "safe-to-share");
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(loaded->response.comments(), stored.response.comments());
  EXPECT_EQ(loaded->version, 1);
  EXPECT_EQ(loaded->response.etag(), "v1");
}

TEST_P(StoreTest, AResponseIsLoadedWithAsMuchOfItsReportAsIsAskedFor) {
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "safe-to-share")), IsOk());
  const auto facts = Load("norfolk-pcc", "safe-to-share", ReportForm::kFacts);
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->response.report().title(), "The report safe-to-share");
  EXPECT_EQ(facts->response.report().findings_size(), 0);
  const auto whole = Load("norfolk-pcc", "safe-to-share", ReportForm::kWithFindings);
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(whole->response.report().findings_size(), 2);
  EXPECT_EQ(whole->revision, 1);
}

TEST_P(StoreTest, AReportIsKeptOnceForEachRevision) {
  for (const char* body : {"norfolk-pcc", "suffolk-pcc", "essex-pfcc"}) {
    ASSERT_THAT(Insert(NewResponse(body, "safe-to-share")), IsOk());
  }
  registry::v1::Inspection corrected = Report("safe-to-share");
  corrected.set_revision(2);
  ASSERT_THAT(database().Write([&](db::Transaction& tx) { return KeepReport(tx, corrected); }), IsOk());
  int64_t rows = 0;
  ASSERT_THAT(Read([&](db::Transaction& tx) {
                return tx.Query("SELECT COUNT(*) FROM reports", {}, [&](const db::Row& row) { rows = row.Int64(0); });
              }),
              IsOk());
  EXPECT_EQ(rows, 2);
  EXPECT_EQ(Load("norfolk-pcc", "safe-to-share")->response.report().revision(), 1);
}

// What is handed out unparsed is the same as what is parsed, in both views; and it takes one query.
TEST_P(StoreTest, BytesPassedOnAreTheWholeResponse) {
  StoredResponse stored = NewResponse("norfolk-pcc", "safe-to-share");
  stored.response.set_comments("Comments.");
  stored.response.mutable_signatory()->set_name("A. Commissioner");
  ASSERT_THAT(Insert(stored), IsOk());
  for (const auto view : {v1::RESPONSE_VIEW_BASIC, v1::RESPONSE_VIEW_FULL}) {
    v1::Response passed_on, parsed, in_bytes;
    ASSERT_THAT(Read([&](db::Transaction& tx) {
                  return ReadResponse(tx, "norfolk-pcc", "safe-to-share", view, [&](const ResponseBytes& bytes) {
                    EXPECT_EQ(bytes.body, "norfolk-pcc");
                    EXPECT_EQ(bytes.force, "norfolk");
                    EXPECT_EQ(bytes.state, v1::Response::OPEN);
                    EXPECT_THAT(PassOn(bytes, passed_on), IsOk());
                    std::string serialised = "something else";
                    EXPECT_THAT(Serialise(bytes, serialised), IsOk());
                    EXPECT_TRUE(in_bytes.ParseFromString(serialised));
                    ResponseBytes broken = bytes;
                    broken.content.remove_suffix(1);
                    EXPECT_THAT(Serialise(broken, serialised), StatusIs(absl::StatusCode::kDataLoss));
                    return Parse(bytes, parsed);
                  });
                }),
                IsOk());
    EXPECT_EQ(passed_on.name(), "") << "parsed after all";
    v1::Response received;
    ASSERT_TRUE(received.ParseFromString(passed_on.SerializeAsString()));
    EXPECT_THAT(received, EqualsProto(parsed.DebugString()));
    EXPECT_THAT(in_bytes, EqualsProto(parsed.DebugString()));
    const bool full = view == v1::RESPONSE_VIEW_FULL;
    EXPECT_EQ(received.etag(), "v1");
    EXPECT_EQ(received.comments(), full ? "Comments." : "");
    EXPECT_EQ(received.report().findings_size(), full ? 2 : 0);
    EXPECT_EQ(received.report().title(), "The report safe-to-share");
    EXPECT_EQ(received.signatory().name(), "A. Commissioner");
  }
}

TEST_P(StoreTest, UnknownAndRepeatedNamesAreTold) {
  EXPECT_THAT(Load("norfolk-pcc", "safe-to-share"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Read([&](db::Transaction& tx) {
                return ReadResponse(tx, "norfolk-pcc", "safe-to-share", v1::RESPONSE_VIEW_FULL,
                                    [&](const ResponseBytes&) { return absl::OkStatus(); });
              }),
              StatusIs(absl::StatusCode::kNotFound));
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "safe-to-share")), IsOk());
  EXPECT_THAT(Insert(NewResponse("norfolk-pcc", "safe-to-share")), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Load("NORFOLK-PCC", "safe-to-share"), StatusIs(absl::StatusCode::kNotFound)) << "ids keep their case";
}

TEST_P(StoreTest, TheLargestResponseAndItsHistoryFit) {
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "safe-to-share")), IsOk());
  const size_t length = base::kLargestBodyPart / 111 - 100;
  ASSERT_THAT(
      Update(*Load("norfolk-pcc", "safe-to-share"),
             [&](v1::Response& response) {
               for (int number = 1; number <= 111; ++number) {
                 v1::Answer& answer = *response.add_answers();
                 answer.set_finding(fmt::format("inspections/safe-to-share/findings/recommendation-{}", number));
                 answer.set_explanation(std::string(length, 'x'));
               }
               for (int number = 1; number <= 10; ++number) {
                 v1::Contribution& contribution = *response.mutable_chief_officer()->add_contributions();
                 contribution.set_id(fmt::format("contribution-{}", number));
                 contribution.set_text(std::string(base::kLargestForcePart / 10 - 100, 'x'));
               }
             }),
      IsOk());
  const auto loaded = Load("norfolk-pcc", "safe-to-share");
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(loaded->response.answers_size(), 111);
  EXPECT_EQ(loaded->response.answers(110).explanation().size(), length);
  EXPECT_THAT(History(), SizeIs(1 + 111 + 10));
}

TEST_P(StoreTest, RangesPageByKeyWithoutGapsOrRepeats) {
  for (const char* body : {"norfolk-pcc", "suffolk-pcc", "essex-pfcc"}) {
    for (const char* inspection : {"a", "b", "c"}) {
      ASSERT_THAT(Insert(NewResponse(body, inspection)), IsOk());
    }
  }
  EXPECT_THAT(List({}, 2), ElementsAre("essex-pfcc/a", "essex-pfcc/b", "essex-pfcc/c", "norfolk-pcc/a", "norfolk-pcc/b",
                                       "norfolk-pcc/c", "suffolk-pcc/a", "suffolk-pcc/b", "suffolk-pcc/c"));
  EXPECT_THAT(List({.inspection = "b"}, 1), ElementsAre("essex-pfcc/b", "norfolk-pcc/b", "suffolk-pcc/b"));
  EXPECT_THAT(List({.body = "norfolk-pcc"}, 2), ElementsAre("norfolk-pcc/a", "norfolk-pcc/b", "norfolk-pcc/c"));
  EXPECT_THAT(List({.body = "norfolk-pcc", .after_body = "norfolk-pcc", .after_inspection = "b"}),
              ElementsAre("norfolk-pcc/c"));
  EXPECT_THAT(List({.body = "norfolk-pcc", .after_body = "essex-pfcc", .after_inspection = "b"}), SizeIs(3))
      << "a page that ended in another body";
  EXPECT_THAT(List({.state = v1::Response::OPEN}, 4), SizeIs(9));
}

TEST_P(StoreTest, RangesFilterByStateAndInspection) {
  for (const char* inspection : {"a", "b", "c"}) {
    ASSERT_THAT(Insert(NewResponse("norfolk-pcc", inspection)), IsOk());
    ASSERT_THAT(Insert(NewResponse("essex-pfcc", inspection)), IsOk());
  }
  for (const char* inspection : {"b", "c"}) {
    ASSERT_THAT(Update(*Load("norfolk-pcc", inspection),
                       [](v1::Response& response) { response.set_state(v1::Response::IN_REVIEW); }),
                IsOk());
  }
  const auto review = v1::Response::IN_REVIEW;
  EXPECT_THAT(List({.state = review}, 1), ElementsAre("norfolk-pcc/b", "norfolk-pcc/c"));
  EXPECT_THAT(List({.body = "norfolk-pcc", .state = review}, 1), ElementsAre("norfolk-pcc/b", "norfolk-pcc/c"));
  EXPECT_THAT(List({.body = "essex-pfcc", .state = review}), IsEmpty());
  EXPECT_THAT(List({.state = review, .inspection = "b"}), ElementsAre("norfolk-pcc/b"));
  EXPECT_THAT(List({.body = "norfolk-pcc", .inspection = "a"}), ElementsAre("norfolk-pcc/a"));
  EXPECT_THAT(List({.body = "norfolk-pcc", .state = review, .inspection = "a"}), IsEmpty());
}

TEST_P(StoreTest, SizesAreKnownWithoutReading) {
  StoredResponse stored = NewResponse("norfolk-pcc", "a");
  stored.response.set_comments(std::string(100'000, 'x'));
  ASSERT_THAT(Insert(stored), IsOk());
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "b")), IsOk());
  const auto sizes = [&](v1::ResponseView view) {
    std::vector<size_t> sizes;
    EXPECT_THAT(Read([&](db::Transaction& tx) -> absl::Status {
                  auto found = SizesIn(tx, {.body = "norfolk-pcc"}, view, 10);
                  RETURN_IF_ERROR(found.status());
                  sizes = *std::move(found);
                  return absl::OkStatus();
                }),
                IsOk());
    return sizes;
  };
  EXPECT_THAT(sizes(v1::RESPONSE_VIEW_FULL), ElementsAre(::testing::Gt(100'000u), ::testing::Lt(1'000u)));
  EXPECT_THAT(sizes(v1::RESPONSE_VIEW_BASIC), ElementsAre(::testing::Lt(1'000u), ::testing::Lt(1'000u)));
}

// Whatever is asked for, the rows come from an index in their order: nothing is scanned and nothing sorted.
TEST_P(StoreTest, EveryListIsARangeOfAnIndex) {
  InsertMany();
  for (const char* body : {"", "body-07"}) {
    for (const auto& state : std::initializer_list<std::optional<v1::Response::State>>{std::nullopt, v1::Response::OPEN,
                                                                                       v1::Response::IN_REVIEW}) {
      for (const char* inspection : {"", "report-07"}) {
        for (const bool later_page : {false, true}) {
          Range range{.body = body, .state = state, .inspection = inspection};
          if (later_page) {
            range.after_body = range.body.empty() ? "body-05" : range.body;
            range.after_inspection = "report-55";  // a handful of that body's are left, less than a page
          }
          ASSERT_THAT(Read([&](db::Transaction& tx) -> absl::Status {
                        section55::testing::ExplainingTransaction explaining(tx, GetParam());
                        RETURN_IF_ERROR(SizesIn(explaining, range, v1::RESPONSE_VIEW_BASIC, 10).status());
                        RETURN_IF_ERROR(ReadRange(explaining, range, v1::RESPONSE_VIEW_FULL, 10,
                                                  [](const ResponseBytes&) { return absl::OkStatus(); }));
                        // Of everybody's after a key two: the rest of that body, then those behind it.
                        EXPECT_EQ(explaining.queries(), range.body.empty() && later_page ? 4 : 2);
                        EXPECT_THAT(explaining.plans(), ::testing::Not(IsEmpty()));
                        EXPECT_THAT(explaining.plans(), Each(section55::testing::SearchesAnIndex()))
                            << body << " " << state.value_or(v1::Response::STATE_UNSPECIFIED) << " " << inspection
                            << " " << later_page;
                        return absl::OkStatus();
                      }),
                      IsOk());
        }
      }
    }
  }
}

TEST_P(StoreTest, AWholeResponseIsOneQueryByKey) {
  InsertMany();
  ASSERT_THAT(Read([&](db::Transaction& tx) -> absl::Status {
                section55::testing::ExplainingTransaction explaining(tx, GetParam());
                RETURN_IF_ERROR(ReadResponse(explaining, "body-07", "report-07", v1::RESPONSE_VIEW_FULL,
                                             [](const ResponseBytes&) { return absl::OkStatus(); }));
                EXPECT_EQ(explaining.queries(), 1);
                EXPECT_THAT(explaining.plans(), ::testing::Not(IsEmpty()));
                EXPECT_THAT(explaining.plans(), Each(section55::testing::SearchesAnIndex()));
                return absl::OkStatus();
              }),
              IsOk());
}

// Damage anywhere is told by the reader that meets it, and found by the check of everything.
TEST_P(StoreTest, DamageIsNeverHandedOut) {
  ASSERT_THAT(Insert(NewResponse("norfolk-pcc", "a")), IsOk());
  struct Case {
    std::string table, column, found_in;
    v1::ResponseView seen_in;
  };
  const std::vector<Case> cases = {{"responses", "content", "responses", v1::RESPONSE_VIEW_FULL},
                                   {"responses", "summary", "response_summaries", v1::RESPONSE_VIEW_BASIC},
                                   {"reports", "content", "reports", v1::RESPONSE_VIEW_FULL},
                                   {"reports", "facts", "report_facts", v1::RESPONSE_VIEW_BASIC},
                                   {"part_history", "content", "part_history", v1::RESPONSE_VIEW_UNSPECIFIED}};
  const auto check_everything = [&] {
    std::vector<std::string> damaged;
    EXPECT_THAT(Read([&](db::Transaction& tx) -> absl::Status {
                  for (const db::MessageTable* table : Tables()) {
                    std::vector<std::string> after;
                    std::vector<db::Damage> damage;
                    RETURN_IF_ERROR(table->Check(tx, after, 100, damage).status());
                    for (const db::Damage& row : damage) {
                      damaged.push_back(row.table);
                    }
                  }
                  return absl::OkStatus();
                }),
                IsOk());
    return damaged;
  };
  EXPECT_THAT(check_everything(), IsEmpty());
  const auto read = [&](v1::ResponseView view) {
    return Read([&](db::Transaction& tx) {
      return ReadResponse(tx, "norfolk-pcc", "a", view, [](const ResponseBytes&) { return absl::OkStatus(); });
    });
  };
  for (const Case& damage : cases) {
    SCOPED_TRACE(damage.table + "." + damage.column);
    std::string kept;
    ASSERT_THAT(Read([&](db::Transaction& tx) {
                  return tx.Query(fmt::format("SELECT {} FROM {}", damage.column, damage.table), {},
                                  [&](const db::Row& row) { kept = std::string(row.Text(0)); });
                }),
                IsOk());
    const auto set = [&](std::string_view bytes) {
      return database().Write([&](db::Transaction& tx) {
        return tx.Execute(fmt::format("UPDATE {} SET {} = ?", damage.table, damage.column), {db::Bytes{bytes}})
            .status();
      });
    };
    ASSERT_THAT(set(kept.substr(0, kept.size() / 2)), IsOk());
    EXPECT_THAT(check_everything(), ElementsAre(damage.found_in));
    if (damage.seen_in != v1::RESPONSE_VIEW_UNSPECIFIED) {
      EXPECT_THAT(read(damage.seen_in), StatusIs(absl::StatusCode::kDataLoss));
    }
    ASSERT_THAT(set(kept), IsOk());
  }
}

TEST_P(StoreTest, AForceFindsItsBodies) {
  for (const char* body : {"norfolk-pcc", "essex-pfcc", "east-board"}) {
    ASSERT_THAT(database().Write([&](db::Transaction& tx) {
      return SaveBody(tx, body, std::string_view(body).starts_with("ess") ? "essex" : "norfolk");
    }),
                IsOk());
  }
  absl::StatusOr<std::vector<std::string>> bodies = absl::UnknownError("not run");
  ASSERT_THAT(Read([&](db::Transaction& tx) {
                bodies = BodiesOf(tx, "norfolk");
                return absl::OkStatus();
              }),
              IsOk());
  EXPECT_THAT(*bodies, ElementsAre("east-board", "norfolk-pcc"));
}

TEST_P(StoreTest, ABodysForceCanBeReplaced) {
  const auto force_of = [&](const std::string& body) {
    absl::StatusOr<std::string> force = absl::UnknownError("not run");
    EXPECT_THAT(Read([&](db::Transaction& tx) {
                  force = ForceOf(tx, body);
                  return absl::OkStatus();
                }),
                IsOk());
    return force;
  };
  EXPECT_THAT(force_of("norfolk-pcc"), StatusIs(absl::StatusCode::kNotFound));
  for (const char* force : {"norfolk", "east-anglia"}) {
    ASSERT_THAT(database().Write([&](db::Transaction& tx) { return SaveBody(tx, "norfolk-pcc", force); }), IsOk());
    EXPECT_EQ(force_of("norfolk-pcc").value(), force);
  }
}

SECTION55_ON_BOTH_ENGINES(StoreTest);

}  // namespace
}  // namespace section55::authoring::store
