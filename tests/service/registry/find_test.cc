// Lists and searches of reports and findings, on both engines.
#include "services/inspection-registry/find.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "libs/base/proto_time.h"
#include "tests/service/registry/exchange_fixture.h"

namespace section55::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FindTest : public ExchangeTest {
 protected:
  FindTest() {
    Add(R"({"name": "inspections/vetting", "title": "Vetting in the police", "kinds": ["THEMATIC"],
            "publishers": ["HMICFRS"], "publication_date": {"year": 2022, "month": 11, "day": 2}, "basis": "STATUTE_S55",
            "scope": {"all_forces": true}, "findings": [
              {"id": "r1", "kind": "RECOMMENDATION", "summary": "Review the vetting of officers", "text": "Review all.",
               "themes": ["Vetting"], "addressees": [{"kind": "ALL_CHIEF_CONSTABLES"}],
               "due": {"precision": "MONTH", "date": {"year": 2023, "month": 4}}},
              {"id": "r2", "kind": "RECOMMENDATION", "summary": "Publish guidance", "text": "Say what *vetting* is for.",
               "addressees": [{"kind": "COLLEGE_OF_POLICING"}],
               "due": {"precision": "DAY", "date": {"year": 2024, "month": 1, "day": 31}}},
              {"id": "a1", "kind": "AREA_FOR_IMPROVEMENT", "text": "Welsh: Ŵyl y tŷ."}]})");
    Add(R"({"name": "inspections/norfolk", "title": "Norfolk: PEEL 2021", "kinds": ["PEEL_FORCE"],
            "publishers": ["HMICFRS"], "publication_date": {"year": 2022, "month": 3, "day": 1},
            "scope": {"forces": ["forces/norfolk"]}, "findings": [
              {"id": "r1", "kind": "RECOMMENDATION", "summary": "Domestic abuse", "text": "Share what is known.",
               "themes": ["Domestic abuse"], "addressees": [{"kind": "FORCE", "name": "forces/norfolk"}]}]})");
    Add(R"({"name": "inspections/safe", "title": "Safe to share?", "kinds": ["SUPER_COMPLAINT"],
            "publishers": ["HMICFRS", "IOPC"], "publication_date": {"year": 2020, "month": 12, "day": 17},
            "scope": {"all_forces": true}, "findings": [
              {"id": "r1", "kind": "RECOMMENDATION", "text": "Vetting is not all.", "themes": ["domestic abuse"],
               "addressees": [{"kind": "HOME_OFFICE"}]}]})");
  }

  void Add(std::string json) {
    std::erase(json, '\n');
    const Imported imported = Import(json, JsonLines());
    EXPECT_THAT(imported.status, IsOk());
    for (const auto& problem : imported.problems) {
      ADD_FAILURE() << problem.ShortDebugString();
    }
  }

  // Short names, in pages of one and all at once: the same.
  std::vector<std::string> Findings(const std::string& filter, const std::string& order_by = "",
                                    const std::string& parent = "inspections/-") {
    const std::vector<std::string> found = FindingsBy(filter, order_by, parent, 100);
    EXPECT_EQ(FindingsBy(filter, order_by, parent, 1), found) << filter;
    return found;
  }
  std::vector<std::string> FindingsBy(const std::string& filter, const std::string& order_by, const std::string& parent,
                                      int page_size) {
    std::vector<std::string> found;
    v1::ListFindingsRequest request;
    request.set_parent(parent);
    request.set_filter(filter);
    request.set_order_by(order_by);
    request.set_page_size(page_size);
    do {
      v1::ListFindingsResponse page;
      const grpc::Status status = stub_->ListFindings(Registrar().get(), request, &page);
      EXPECT_THAT(status, IsOk()) << filter;
      for (const v1::Finding& finding : page.findings()) {
        constexpr std::string_view kFindings = "/findings/";
        std::string name = finding.name().substr(sizeof("inspections/") - 1);
        name.replace(name.find(kFindings), kFindings.size(), " ");
        found.push_back(std::move(name));
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return found;
  }

  std::vector<std::string> Reports(const std::string& filter, const std::string& order_by = "",
                                   std::unique_ptr<grpc::ClientContext> context = nullptr) {
    v1::ListInspectionsRequest request;
    request.set_filter(filter);
    request.set_order_by(order_by);
    v1::ListInspectionsResponse page;
    EXPECT_THAT(stub_->ListInspections((context ? std::move(context) : Registrar()).get(), request, &page), IsOk());
    std::vector<std::string> found;
    for (const v1::Inspection& inspection : page.inspections()) {
      found.push_back(inspection.name().substr(sizeof("inspections/") - 1));
    }
    return found;
  }

  grpc::Status TryFindings(const std::string& filter, const std::string& order_by = "",
                           const std::string& parent = "inspections/-") {
    v1::ListFindingsRequest request;
    request.set_parent(parent);
    request.set_filter(filter);
    request.set_order_by(order_by);
    v1::ListFindingsResponse page;
    return stub_->ListFindings(Registrar().get(), request, &page);
  }
};

TEST_P(FindTest, ListsInTheOrderPrintedTheLatestReportFirst) {
  EXPECT_THAT(Findings(""), ElementsAre("vetting r1", "vetting r2", "vetting a1", "norfolk r1", "safe r1"));
  EXPECT_THAT(Findings("", "publication_date"),
              ElementsAre("safe r1", "norfolk r1", "vetting a1", "vetting r2", "vetting r1"));
  EXPECT_THAT(Findings("", "", "inspections/vetting"), ElementsAre("vetting r1", "vetting r2", "vetting a1"));
  EXPECT_THAT(Reports(""), ElementsAre("vetting", "norfolk", "safe"));
  EXPECT_THAT(Reports("", "publication_date"), ElementsAre("safe", "norfolk", "vetting"));
}

TEST_P(FindTest, EveryConditionAloneAndTogether) {
  EXPECT_THAT(Findings("kind = AREA_FOR_IMPROVEMENT"), ElementsAre("vetting a1"));
  EXPECT_THAT(Findings("addressee = \"forces/norfolk\""), ElementsAre("norfolk r1"));
  EXPECT_THAT(Findings("addressee = HOME_OFFICE"), ElementsAre("safe r1"));
  EXPECT_THAT(Findings("theme = \"domestic ABUSE\""), ElementsAre("norfolk r1", "safe r1"));
  EXPECT_THAT(Findings("publisher = \"IOPC\""), ElementsAre("safe r1"));
  EXPECT_THAT(Findings("inspection_kind = PEEL_FORCE"), ElementsAre("norfolk r1"));
  EXPECT_THAT(Findings("state = PUBLISHED"), IsEmpty());
  EXPECT_THAT(Findings("theme = \"domestic abuse\" AND publication_date < \"2022-01-01\""), ElementsAre("safe r1"));
  EXPECT_THAT(Findings("publication_date >= \"2022-03-01\" AND publication_date <= \"2022-03-01\""),
              ElementsAre("norfolk r1"));
  EXPECT_THAT(Findings("publication_date > \"2022-03-01\" AND kind = RECOMMENDATION"),
              ElementsAre("vetting r1", "vetting r2"));
  EXPECT_THAT(Findings("publication_date = \"2020-12-17\""), ElementsAre("safe r1"));
  EXPECT_THAT(Findings("publication_date > \"2023-01-01\" AND publication_date < \"2022-01-01\""), IsEmpty());
  EXPECT_THAT(Reports("kind = THEMATIC"), ElementsAre("vetting"));
  EXPECT_THAT(Reports("publisher = \"hmicfrs\" AND publication_date < \"2022-06-01\""), ElementsAre("norfolk", "safe"));
  EXPECT_THAT(Reports("basis = STATUTE_S55"), ElementsAre("vetting"));
  EXPECT_THAT(Reports("force = \"forces/norfolk\""), ElementsAre("norfolk"));
  EXPECT_THAT(Reports("theme = \"Domestic abuse\""), ElementsAre("norfolk", "safe"));
}

TEST_P(FindTest, DueDaysCountAMonthAsItsLast) {
  EXPECT_THAT(Findings("due = \"2023-04-30\""), ElementsAre("vetting r1"));
  EXPECT_THAT(Findings("due < \"2023-04-30\""), IsEmpty());
  EXPECT_THAT(Findings("due >= \"2023-04-30\""), ElementsAre("vetting r1", "vetting r2"));
  EXPECT_THAT(Findings("due > \"2023-04-30\" AND due <= \"2024-01-31\""), ElementsAre("vetting r2"));
  EXPECT_THAT(Findings("due >= \"1990-01-01\" AND text : \"guidance\""), ElementsAre("vetting r2"));
  EXPECT_THAT(Reports("due = \"2023-04-30\""), ElementsAre("vetting"));
  EXPECT_THAT(Reports("due > \"2023-04-30\" AND due < \"2024-01-31\""), IsEmpty());
  EXPECT_THAT(Reports("due >= \"1990-01-01\""), ElementsAre("vetting"));
}

TEST_P(FindTest, SearchesWordsPhrasesPrefixes) {
  EXPECT_THAT(Findings("text : \"vetting\" AND kind = RECOMMENDATION"),
              ElementsAre("vetting r1", "vetting r2", "safe r1"));
  EXPECT_THAT(Findings("text : \"vetting\"", "publication_date"),
              ElementsAre("safe r1", "vetting a1", "vetting r2", "vetting r1"));
  EXPECT_THAT(Findings("text : \"guidanc*\""), ElementsAre("vetting r2"));
  EXPECT_THAT(Findings("text : \"\\\"what is known\\\"\""), ElementsAre("norfolk r1"));
  EXPECT_THAT(Findings("text : \"\\\"is what known\\\"\""), IsEmpty());
  EXPECT_THAT(Findings("text : \"WYL TY\""), ElementsAre("vetting a1"));
  EXPECT_THAT(Findings("text : \"is all\""), ElementsAre("safe r1"));
  EXPECT_THAT(Findings("text : \"?!*\""), IsEmpty());
  EXPECT_THAT(Findings("text : \"vetting\"", "", "inspections/safe"), ElementsAre("safe r1"));
  EXPECT_THAT(Reports("text : \"safe share\""), ElementsAre("safe"));
  EXPECT_THAT(Reports("text : \"domestic abuse\""), ElementsAre("norfolk", "safe"));
  for (const char* hostile : {"text : \"'; DROP TABLE findings\"", "text : \"a OR *\"", "text : \"+-~<>()@\\\"\""}) {
    EXPECT_THAT(TryFindings(hostile), IsOk()) << hostile;
  }
}

TEST_P(FindTest, FollowsWhatIsChanged) {
  v1::UpdateInspectionRequest request;
  request.mutable_inspection()->set_name("inspections/safe");
  request.mutable_inspection()->set_title("Quite another matter");
  request.mutable_inspection()->mutable_publication_date()->set_year(2023);
  request.mutable_inspection()->mutable_publication_date()->set_month(1);
  auto& finding = *request.mutable_inspection()->add_findings();
  finding.set_kind(v1::Finding::PRACTICE);
  finding.set_text("Something new.");
  request.mutable_update_mask()->add_paths("title");
  request.mutable_update_mask()->add_paths("publication_date");
  request.mutable_update_mask()->add_paths("findings");
  v1::Inspection updated;
  ASSERT_THAT(stub_->UpdateInspection(Registrar().get(), request, &updated), IsOk());
  EXPECT_THAT(Findings(""), ElementsAre("safe practice", "vetting r1", "vetting r2", "vetting a1", "norfolk r1"));
  EXPECT_THAT(Findings("text : \"quite another\""), ElementsAre("safe practice"));
  EXPECT_THAT(Findings("addressee = HOME_OFFICE"), IsEmpty());
  EXPECT_THAT(Reports("text : \"safe share\""), IsEmpty());
  EXPECT_THAT(Reports(""), ElementsAre("safe", "vetting", "norfolk"));
}

TEST_P(FindTest, DraftsAreForThoseWhoMaySeeThem) {
  EXPECT_THAT(Reports("", "", server_.As("ann", {"author@bodies/norfolk-pcc"})), IsEmpty());
  EXPECT_THAT(Reports("text : \"safe\"", "", server_.As("ann", {"author@bodies/norfolk-pcc"})), IsEmpty());
  EXPECT_THAT(Reports("state = DRAFT", "", server_.As("ann", {"author@bodies/norfolk-pcc"})), IsEmpty());
  EXPECT_THAT(Reports("state = DRAFT", "", server_.As("ann", {"auditor"})), SizeIs(3));
  v1::ListFindingsRequest request;
  v1::ListFindingsResponse page;
  const auto author = [&] { return server_.As("ann", {"author@bodies/norfolk-pcc"}); };
  request.set_parent("inspections/-");
  EXPECT_THAT(stub_->ListFindings(author().get(), request, &page), IsOk());
  EXPECT_EQ(page.findings_size(), 0);
  request.set_parent("inspections/safe");
  EXPECT_THAT(stub_->ListFindings(author().get(), request, &page), StatusIs(absl::StatusCode::kNotFound));
}

// What the public sees of a report, from its publication to its withdrawal and back.
TEST_P(FindTest, PublishedCorrectedAndWithdrawnReports) {
  AddBody("norfolk-pcc", "Police and Crime Commissioner for Norfolk", v1::Body::POLICE_AND_CRIME_COMMISSIONER,
          "forces/norfolk");
  const auto author = [&] { return server_.As("ann", {"author@bodies/norfolk-pcc"}); };
  const auto seen = [&](const std::string& filter) {
    v1::ListFindingsRequest request;
    request.set_parent("inspections/-");
    request.set_filter(filter);
    v1::ListFindingsResponse page;
    EXPECT_THAT(stub_->ListFindings(author().get(), request, &page), IsOk());
    std::vector<std::string> found;
    for (const v1::Finding& finding : page.findings()) {
      found.push_back(fmt::format("{} {}", finding.text(), v1::Inspection::State_Name(finding.inspection_state())));
    }
    return found;
  };
  const char name[] = "inspections/safe";
  {
    v1::UpdateInspectionRequest request;
    request.mutable_inspection()->set_name(name);
    request.mutable_inspection()->set_basis(v1::Inspection::STATUTE_S55);
    request.mutable_update_mask()->add_paths("basis");
    v1::Inspection answer;
    ASSERT_THAT(stub_->UpdateInspection(Registrar().get(), request, &answer), IsOk());
  }
  EXPECT_THAT(seen(""), IsEmpty());
  {
    v1::PublishInspectionRequest request;
    request.set_name(name);
    v1::Inspection answer;
    ASSERT_THAT(stub_->PublishInspection(Registrar().get(), request, &answer), IsOk());
  }
  EXPECT_THAT(Reports("", "", author()), ElementsAre("safe"));
  EXPECT_THAT(seen(""), ElementsAre("Vetting is not all. PUBLISHED"));
  {
    v1::CorrectInspectionRequest request;
    request.set_reason("A slip of the pen");
    request.mutable_inspection()->set_name(name);
    request.mutable_update_mask()->add_paths("findings");
    auto& finding = *request.mutable_inspection()->add_findings();
    finding.set_id("r1");
    finding.set_kind(v1::Finding::RECOMMENDATION);
    finding.set_text("Training is not all.");
    finding.add_addressees()->set_kind(v1::Addressee::ALL_CHIEF_CONSTABLES);
    finding.set_name("inspections/another/findings/r9");
    finding.set_inspection_title("What a caller says of it");
    v1::Inspection answer;
    ASSERT_THAT(stub_->CorrectInspection(Registrar().get(), request, &answer), IsOk());
    EXPECT_EQ(answer.findings(0).name(), "") << "said when it is read, and not kept";
    EXPECT_EQ(answer.findings(0).inspection_title(), "");
  }
  EXPECT_THAT(seen("text : \"vetting\""), IsEmpty());
  EXPECT_THAT(seen("addressee = HOME_OFFICE"), IsEmpty());
  EXPECT_THAT(seen("text : \"training\" AND addressee = ALL_CHIEF_CONSTABLES"),
              ElementsAre("Training is not all. PUBLISHED"));
  {
    v1::GetFindingRequest request;
    request.set_name("inspections/safe/findings/r1");
    v1::Finding finding;
    ASSERT_THAT(stub_->GetFinding(author().get(), request, &finding), IsOk());
    EXPECT_EQ(finding.name(), request.name());
    EXPECT_EQ(finding.inspection_title(), "Safe to share?");
    EXPECT_EQ(finding.publication_date().day(), 17);
    EXPECT_EQ(finding.inspection_state(), v1::Inspection::PUBLISHED);
  }
  {
    v1::WithdrawInspectionRequest request;
    request.set_name(name);
    request.set_reason("Registered twice");
    v1::Inspection answer;
    ASSERT_THAT(stub_->WithdrawInspection(Registrar().get(), request, &answer), IsOk());
  }
  // It stays readable, as by GetInspection, and says what it is.
  EXPECT_THAT(seen(""), ElementsAre("Training is not all. WITHDRAWN"));
  EXPECT_THAT(seen("state = PUBLISHED"), IsEmpty());
  EXPECT_THAT(Reports("state = WITHDRAWN", "", author()), ElementsAre("safe"));
}

TEST_P(FindTest, AddresseesOfReports) {
  EXPECT_THAT(Reports("addressee = HOME_OFFICE"), ElementsAre("safe"));
  EXPECT_THAT(Reports("addressee = \"forces/norfolk\""), ElementsAre("norfolk"));
}

TEST_P(FindTest, ForcesAndBodies) {
  AddForce("suffolk", "Suffolk Constabulary", "East");
  AddForce("dyfed-powys", "Heddlu Dyfed-Powys Police", "Wales");
  AddForce("btp", "British Transport Police", "", /*territorial=*/false);
  AddBody("norfolk-pcc", "Police and Crime Commissioner for Norfolk", v1::Body::POLICE_AND_CRIME_COMMISSIONER,
          "forces/norfolk");
  AddBody("suffolk-mayor", "Mayor of Suffolk", v1::Body::MAYOR, "forces/suffolk");
  AddBody("norfolk-board", "Norfolk Policing Board", v1::Body::POLICING_AND_CRIME_BOARD, "");
  v1::SucceedBodyRequest succeed;
  succeed.set_name("bodies/norfolk-pcc");
  succeed.set_successor("bodies/norfolk-board");
  *succeed.mutable_date() = base::ToProtoDate(absl::CivilDay(2028, 5, 8));
  succeed.set_reason("Commissioners are abolished");
  v1::Body answer;
  ASSERT_THAT(stub_->SucceedBody(Registrar().get(), succeed, &answer), IsOk());

  const auto all = [](auto request, auto call, auto items) {
    std::vector<std::string> names;
    do {
      auto page = call(request);
      for (const auto& item : items(page)) {
        names.push_back(item.name().substr(item.name().find('/') + 1));
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return names;
  };
  const auto forces = [&](const std::string& filter, const std::string& order_by = "", int size = 0) {
    v1::ListForcesRequest request;
    request.set_filter(filter);
    request.set_order_by(order_by);
    request.set_page_size(size);
    return all(
        request,
        [&](const auto& asked) {
          v1::ListForcesResponse page;
          EXPECT_THAT(stub_->ListForces(Registrar().get(), asked, &page), IsOk()) << filter;
          return page;
        },
        [](const auto& page) { return page.forces(); });
  };
  const auto bodies = [&](const std::string& filter, const std::string& order_by = "", int size = 0) {
    v1::ListBodiesRequest request;
    request.set_filter(filter);
    request.set_order_by(order_by);
    request.set_page_size(size);
    return all(
        request,
        [&](const auto& asked) {
          v1::ListBodiesResponse page;
          EXPECT_THAT(stub_->ListBodies(Registrar().get(), asked, &page), IsOk()) << filter;
          return page;
        },
        [](const auto& page) { return page.bodies(); });
  };
  for (const int size : {0, 1, 2, 3}) {
    EXPECT_THAT(forces("", "", size), ElementsAre("btp", "dyfed-powys", "norfolk", "suffolk"));
    EXPECT_THAT(forces("", "name desc", size), ElementsAre("suffolk", "norfolk", "dyfed-powys", "btp"));
    EXPECT_THAT(forces("region = East", "name", size), ElementsAre("norfolk", "suffolk"));
    EXPECT_THAT(bodies("", "name desc", size), ElementsAre("suffolk-mayor", "norfolk-pcc", "norfolk-board"));
  }
  EXPECT_THAT(forces("territorial = false"), ElementsAre("btp"));
  EXPECT_THAT(forces("territorial = true AND text : \"constab*\""), ElementsAre("norfolk", "suffolk"));
  EXPECT_THAT(forces("text : \"DYFED powys\""), ElementsAre("dyfed-powys"));
  EXPECT_THAT(forces("text : \"?\""), IsEmpty());
  EXPECT_THAT(bodies("kind = MAYOR"), ElementsAre("suffolk-mayor"));
  EXPECT_THAT(bodies("force = \"forces/norfolk\""), ElementsAre("norfolk-board", "norfolk-pcc"));
  // The 2028 case: the commissioner to the 7th of May, the board from the 8th.
  EXPECT_THAT(bodies("force = \"forces/norfolk\" AND valid_on = \"2028-05-07\""), ElementsAre("norfolk-pcc"));
  EXPECT_THAT(bodies("force = \"forces/norfolk\" AND valid_on = \"2028-05-08\""), ElementsAre("norfolk-board"));
  EXPECT_THAT(bodies("valid_on = \"2028-05-08\" AND text : \"norfolk\""), ElementsAre("norfolk-board"));
  v1::ListBodiesRequest request;
  v1::ListBodiesResponse page;
  request.set_filter("colour = red");
  request.set_order_by("kind");
  const grpc::Status status = stub_->ListBodies(Registrar().get(), request, &page);
  EXPECT_THAT(status, ViolationOn("filter"));
  EXPECT_THAT(status, ViolationOn("order_by"));
}

TEST_P(FindTest, WhatCannotBeAskedIsNamed) {
  EXPECT_THAT(TryFindings("colour = red"), ViolationOn("filter"));
  EXPECT_THAT(TryFindings("kind = NONSENSE"), ViolationOn("filter"));
  EXPECT_THAT(TryFindings("due = \"soon\""), ViolationOn("filter"));
  EXPECT_THAT(TryFindings("text : \"" + std::string(2001, 'a') + "\""), ViolationOn("filter"));
  EXPECT_THAT(TryFindings("", "relevance"), ViolationOn("order_by"));
  EXPECT_THAT(TryFindings("", "summary"), ViolationOn("order_by"));
  EXPECT_THAT(TryFindings("", "", "inspections/"), ViolationOn("parent"));
  EXPECT_THAT(TryFindings("", "", "inspections/nowhere"), StatusIs(absl::StatusCode::kNotFound));
}

SECTION55_ON_BOTH_ENGINES(FindTest);

}  // namespace
}  // namespace section55::registry
