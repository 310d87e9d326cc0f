#include "tests/fault/invariants.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/testing/matchers.h"
#include "section55/publication/v1/publication.grpc.pb.h"

namespace section55::e2e {

using authoring::v1::Response;
using publication::v1::Publication;
using testing::EqualsProto;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::kServices;
using testing::Service;
using ::testing::SizeIs;
using testing::Suite;

Resources::Resources(Suite& suite) : suite_(suite) {
  for (const Service service : kServices) {
    before_[service] = UseOf(service);
  }
}

Resources::Use Resources::UseOf(Service service) const {
  const std::filesystem::path process = fmt::format("/proc/{}", suite_.pid(service));
  Use use;
  std::error_code gone;  // a descriptor may go while it is counted
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(process / "fd", gone)) {
    ++use.descriptors;
  }
  int64_t pages = 0;
  std::ifstream(process / "statm") >> pages >> pages;  // the second is what is resident
  use.memory = pages * sysconf(_SC_PAGESIZE);
  return use;
}

void Resources::ExpectBack() {
  // Connections of the test itself, and what a process that has worked keeps for the next time.
  constexpr int kMoreDescriptors = 32;
  constexpr int64_t kMoreMemory = 96'000'000;
  for (const Service service : kServices) {
    const Use& before = before_.at(service);
    suite_.Until(fmt::format("{} has let go of its descriptors and memory", testing::NameOf(service)), [&] {
      const Use now = UseOf(service);
      return now.descriptors <= before.descriptors + kMoreDescriptors && now.memory <= before.memory + kMoreMemory;
    });
    const Use now = UseOf(service);
    fmt::print("{}: {} descriptors ({} before), {} MB ({} before)\n", testing::NameOf(service), now.descriptors,
               before.descriptors, now.memory / 1'000'000, before.memory / 1'000'000);
  }
}

int64_t ExpectNothingDamaged(Suite& suite) {
  int64_t rows = 0;
  for (const Service service : kServices) {
    SCOPED_TRACE(testing::NameOf(service));
    const auto checked = suite.CallOn(service, "operator", &admin::v1::Admin::Stub::CheckStorage, {});
    EXPECT_THAT(checked, IsOk());
    if (checked.ok()) {
      EXPECT_THAT(checked->damaged_rows(), IsEmpty());
      rows += checked->rows_read();
    }
  }
  return rows;
}

void Invariants::Check() {
  ExpectEverythingOnce();
  ExpectFeedsWhole();
  ExpectFollowersAtTheEnd();
  ExpectNoJobLeft();
  ExpectHistoryWhole();
  EXPECT_GT(e2e::ExpectNothingDamaged(suite_), 0);
}

void Invariants::ExpectEverythingOnce() {
  const auto all = answered_.size();
  registry::v1::ListForcesRequest forces;
  forces.set_page_size(1000);
  EXPECT_THAT(job_.Do("auditor", &registry::v1::InspectionRegistry::Stub::ListForces, forces).forces(), SizeIs(all));
  registry::v1::ListBodiesRequest bodies;
  bodies.set_page_size(1000);
  EXPECT_THAT(job_.Do("auditor", &registry::v1::InspectionRegistry::Stub::ListBodies, bodies).bodies(), SizeIs(all));
  authoring::v1::ListResponsesRequest responses;
  responses.set_parent("bodies/-");
  responses.set_page_size(200);
  EXPECT_THAT(job_.Do("auditor", &authoring::v1::ResponseAuthoring::Stub::ListResponses, responses).responses(),
              SizeIs(all));
  deadlines::v1::ListDeadlinesRequest deadlines;
  deadlines.set_parent("bodies/-");
  deadlines.set_page_size(1000);
  EXPECT_THAT(job_.Do("auditor", &deadlines::v1::DeadlineScheduler::Stub::ListDeadlines, deadlines).deadlines(),
              SizeIs(all));
  publication::v1::ListPublicationsRequest publications;
  publications.set_parent("bodies/-");
  publications.set_page_size(1000);
  const auto published = job_.Do("auditor", &Publication::Stub::ListPublications, publications);
  EXPECT_THAT(published.publications(), SizeIs(all));

  for (const auto& [area, saved, by_detours] : answered_) {
    SCOPED_TRACE(area.body);
    const Response response = job_.Get(area.force + "-author", ResponseName(area, report_));
    EXPECT_EQ(response.state(), Response::PUBLISHED);
    EXPECT_THAT(response.chief_officer().contributions(), SizeIs(2));
    // What was acknowledged is what stands.
    EXPECT_THAT(response.key_findings(), ::testing::HasSubstr("of " + area.body));
    EXPECT_EQ(response.comments(), saved.comments());
    EXPECT_EQ(response.key_findings(), saved.key_findings());
    EXPECT_EQ(response.monitoring(), saved.monitoring());
    ASSERT_THAT(response.answers(), SizeIs(4));
    for (int answer = 0; answer < 4; ++answer) {
      EXPECT_THAT(response.answers(answer), EqualsProto(saved.answers(answer)));
    }
    authoring::v1::ListCommentsRequest comments;
    comments.set_parent(response.name());
    EXPECT_THAT(
        job_.Do(area.force + "-author", &authoring::v1::ResponseAuthoring::Stub::ListComments, comments).comments(),
        SizeIs(by_detours ? 1 : 0));
    deadlines::v1::GetDeadlineRequest get_deadline;
    get_deadline.set_name(DeadlineName(area, report_));
    const auto deadline = job_.Do("auditor", &deadlines::v1::DeadlineScheduler::Stub::GetDeadline, get_deadline);
    EXPECT_EQ(deadline.state(), deadlines::v1::Deadline::MET);
    EXPECT_EQ(deadline.met_day_number(), 1);

    publication::v1::ListCopiesRequest copies;
    copies.set_parent(PublicationName(area, report_));
    EXPECT_THAT(job_.Do("auditor", &Publication::Stub::ListCopies, copies).copies(), SizeIs(4));
    publication::v1::GetPublicationRequest get_publication;
    get_publication.set_name(PublicationName(area, report_));
    const auto record = job_.Do("auditor", &Publication::Stub::GetPublication, get_publication);
    publication::v1::GetRenditionRequest get_rendition;
    get_rendition.set_name(record.name());
    get_rendition.set_format(publication::v1::GetRenditionRequest::JSON);
    // Not as the auditor, who has just ended many streams: each counts until the service has seen that it ended.
    const auto context = Suite::As(area.force + "-author");
    const auto stream =
        Publication::NewStub(suite_.channel(Service::kPublication))->GetRendition(context.get(), get_rendition);
    std::string json;
    publication::v1::GetRenditionResponse chunk;
    while (stream->Read(&chunk)) {
      json += chunk.data();
    }
    EXPECT_THAT(stream->Finish(), IsOk());
    EXPECT_EQ(record.content_hash(), base::Sha256Hex(json));
    EXPECT_THAT(json, ::testing::HasSubstr(saved.comments()));
  }
}

void Invariants::ExpectFeedsWhole() {
  // The types of the events of each subject, in their order.
  std::map<std::string, std::vector<std::string>> expected;
  for (const auto& [area, saved, by_detours] : answered_) {
    expected["bodies/" + area.body] = {"BodyRegistered"};
    std::vector<std::string>& told = expected[ResponseName(area, report_)];
    told = {"ResponseOpened", "ChiefOfficerInvited", "ChiefOfficerCommented", "ResponseSubmitted", "ResponseApproved"};
    if (by_detours) {
      told = {"ResponseOpened",        "ResponseExempted",  "ExemptionRevoked",  "ChiefOfficerInvited",
              "ChiefOfficerCommented", "ResponseCommented", "ResponseSubmitted", "ResponseReturned",
              "ResponseSubmitted",     "ResponseApproved"};
    }
    expected[DeadlineName(area, report_)] = {"DeadlineOpened", "DeadlineMet"};
    expected[PublicationName(area, report_)] = {"ResponsePublished"};
  }
  expected[fmt::format("inspections/{}", report_)] = {"InspectionPublished"};
  std::map<std::string, std::vector<std::string>> found;
  std::set<std::string> ids;
  for (const Service service : kServices) {
    int64_t position = 0;
    for (const common::v1::Event& event : suite_.ListFeed(service)) {
      EXPECT_EQ(event.position(), ++position) << "a gap in the feed of " << testing::NameOf(service);
      EXPECT_TRUE(ids.insert(event.event_id()).second) << event.event_id() << " stands twice";
      const std::string& type = event.payload().type_url();
      found[event.subject()].push_back(type.substr(type.rfind('.') + 1));
    }
  }
  EXPECT_EQ(found, expected);
}

void Invariants::ExpectFollowersAtTheEnd() {
  for (const Service service : kServices) {
    SCOPED_TRACE(testing::NameOf(service));
    EXPECT_THAT(job_.DoOn(service, "operator", &admin::v1::Admin::Stub::ListParkedEvents, {}).parked_events(),
                IsEmpty());
    suite_.Until("every follower is at the end of its source", [&] {
      const auto status = job_.DoOn(service, "operator", &admin::v1::Admin::Stub::GetStatus, {});
      return std::all_of(status.followers().begin(), status.followers().end(),
                         [](const admin::v1::FollowerStatus& follower) {
                           return follower.connected() && follower.position() > 0 &&
                                  follower.position() == follower.source_head_position();
                         });
    });
  }
}

void Invariants::ExpectNoJobLeft() {
  for (const Service service : kServices) {
    SCOPED_TRACE(testing::NameOf(service));
    const auto jobs = job_.DoOn(service, "operator", &admin::v1::Admin::Stub::ListJobs, {});
    for (const admin::v1::Job& job : jobs.jobs()) {
      // What waits for the chief officers' day, and has nothing to record then; and for the first day of a successor.
      EXPECT_TRUE(job.kind() == "record-silence" ||
                  (job.kind() == "succeed-body" && base::FromTimestamp(job.due_time()) > suite_.now()))
          << job.ShortDebugString();
      EXPECT_TRUE(!job.parked() && job.attempts() == 0) << job.ShortDebugString();
    }
    const auto status = job_.DoOn(service, "operator", &admin::v1::Admin::Stub::GetStatus, {});
    EXPECT_EQ(status.parked_jobs(), 0);
    EXPECT_EQ(status.waiting_jobs(), jobs.jobs_size());
  }
}

void Invariants::ExpectHistoryWhole() {
  // How often each kind of part of each response was changed, whatever was repeated.
  std::map<std::string, std::map<std::string, int>> found;
  const auto database = suite_.OpenDatabase(Service::kAuthoring);
  EXPECT_THAT(database->Read([&](db::Transaction& tx) {
    found.clear();
    // Each response's, from its last change backwards.
    return tx.Query(
        "WITH RECURSIVE history (id, body, part) AS (SELECT history, body, CAST('' AS CHAR(80)) FROM responses UNION "
        "ALL "
        "SELECT h.previous, h.body, h.part FROM history found JOIN part_history h ON h.id = found.id) "
        "SELECT body, part FROM history WHERE part <> ''",
        {}, [&](const db::Row& row) {
          const std::string part(row.Text(1));
          ++found[std::string(row.Text(0))][part.substr(0, part.find('/'))];
        });
  }),
              IsOk());
  EXPECT_THAT(found, SizeIs(answered_.size()));
  for (const auto& [area, saved, by_detours] : answered_) {
    SCOPED_TRACE(area.body);
    std::map<std::string, int>& parts = found[area.body];
    for (const char* once : {"key_findings", "comments", "reply_to_chief_officer", "signatory"}) {
      EXPECT_EQ(parts.contains(once) ? parts.at(once) : 0, 1) << once;
    }
    EXPECT_EQ(parts["monitoring"], by_detours ? 2 : 1) << "the autosaves are one";
    EXPECT_EQ(parts["answers"], by_detours ? 6 : 4);
    EXPECT_EQ(parts.contains("contributions") ? parts.at("contributions") : 0, 2);
    EXPECT_EQ(parts["state"], by_detours ? 9 : 4)
        << "OPEN, IN_REVIEW, APPROVED, PUBLISHED; proposed, EXEMPT, revoked, returned, IN_REVIEW again";
  }
}

}  // namespace section55::e2e
