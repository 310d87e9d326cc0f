// Import and export of reports, on both engines.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "deploy/sample/script.h"
#include "libs/base/limits.h"
#include "services/inspection-registry/sheet.h"
#include "tests/service/registry/exchange_fixture.h"
#include "tests/unit/registry/samples.h"

namespace section55::registry {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

MATCHER_P2(IsProblem, line, column, "") { return arg.line() == line && arg.column() == column; }

const char kHeader[] =
    "record,name,title,kinds,publishers,publication_date,scope.forces,finding.number,finding.kind,finding.text,"
    "finding.addressees,finding.due.precision,finding.due.date\r\n";

std::string Report(const std::string& id, const std::string& more = ",THEMATIC,HMICFRS,2020-12-17,,,,,,,") {
  return fmt::format("inspection,inspections/{0},Report {0}{1}\r\n", id, more);
}

std::string Recommendation(const std::string& id, const std::string& number, const std::string& date = "2021-06") {
  return fmt::format("finding,inspections/{},,,,,,{},RECOMMENDATION,Do it.,HOME_OFFICE,MONTH,{}\r\n", id, number, date);
}

// A report with everything that can be set.
v1::Inspection Everything() {
  v1::Inspection inspection = SafeToShare();
  inspection.set_name("inspections/safe-to-share");
  inspection.set_short_title("Safe \"to\" share?");
  inspection.set_language(v1::LANGUAGE_ENGLISH);
  inspection.add_publishers("Arolygiaeth – “Ŵŷ”, a’i mab");
  inspection.set_url("https://example.org/a?b=c,d");
  auto& judgement = *inspection.add_judgements();
  judgement.set_question("Preventing crime");
  judgement.set_grade(v1::GRADE_REQUIRES_IMPROVEMENT);
  judgement.set_force("forces/norfolk");
  auto& finding = *inspection.mutable_findings(0);
  finding.set_text("First:\n\n- a list, with \"quotes\"\n  - nested\r\n\r\n```\ncode\n```\n");
  finding.set_summary("One line");
  finding.set_introduction(" leading space and trailing ");
  finding.add_themes("domestic abuse");
  finding.add_themes("vetting");
  finding.set_grade(v1::GRADE_GOOD);
  finding.mutable_due()->set_precision(v1::Due::DAY);
  finding.mutable_due()->mutable_date()->set_year(2021);
  finding.mutable_due()->mutable_date()->set_month(6);
  finding.mutable_due()->mutable_date()->set_day(30);
  finding.mutable_due()->set_words("by 30 June 2021");
  auto& force = *finding.add_addressees();
  force.set_kind(v1::Addressee::FORCE);
  force.set_name("forces/norfolk");
  return inspection;
}

class RoundTripTest : public ExchangeTest {
 protected:
  void GoRound(v1::FileFormat format) {
    v1::CreateInspectionRequest request;
    request.set_inspection_id("safe-to-share");
    *request.mutable_inspection() = Everything();
    v1::Inspection created;
    ASSERT_THAT(stub_->CreateInspection(Registrar().get(), request, &created), IsOk());
    const std::string file = Export(format);
    EXPECT_EQ(Export(format), file);
    v1::ImportInspectionsRequest how;
    how.set_format(format);
    const Imported same = Import(file, how);
    ASSERT_THAT(same.status, IsOk());
    EXPECT_EQ(same.result.unchanged(), 1);
    // Under another name, so that it is made from the file alone.
    std::string renamed = file;
    for (size_t at; (at = renamed.find("inspections/safe-to-share")) != std::string::npos;) {
      renamed.replace(at, sizeof("inspections/safe-to-share") - 1, "inspections/the-copy");
    }
    const Imported copy = Import(renamed, how, /*piece=*/7);
    ASSERT_THAT(copy.status, IsOk()) << copy.problems.size();
    EXPECT_EQ(copy.result.created(), 1);
    EXPECT_THAT(Export(format),
                HasSubstr(format == v1::FILE_FORMAT_CSV ? renamed.substr(renamed.find("\r\n") + 2) : renamed));
    v1::GetInspectionRequest get;
    get.set_name("inspections/the-copy");
    v1::Inspection loaded;
    ASSERT_THAT(stub_->GetInspection(Registrar().get(), get, &loaded), IsOk());
    v1::Inspection expected = sheet::Settable(created);
    expected.set_name(get.name());
    EXPECT_THAT(sheet::Settable(loaded), section55::testing::EqualsProto(expected));
    EXPECT_EQ(loaded.state(), v1::Inspection::DRAFT);
  }
};

TEST_P(RoundTripTest, OfCsv) { GoRound(v1::FILE_FORMAT_CSV); }
TEST_P(RoundTripTest, OfJsonLines) { GoRound(v1::FILE_FORMAT_JSON_LINES); }

TEST_P(ExchangeTest, EveryBadRowIsTold) {
  const std::string file = std::string("\xEF\xBB\xBF") + kHeader + Report("a") + Recommendation("a", "1", "2021-13") +
                           Report("b", ",NONSENSE,HMICFRS,soon,forces/nowhere,,,,,,") + Recommendation("x", "1") +
                           "finding,inspections/b\r\n" + Report("a") + Report("C") +
                           "nothing,inspections/d,,,,,,,,,,,\r\n" +
                           "inspection,inspections/e,,,,,forces/atlantis,,,,,,\r\n";
  const Imported imported = Import(file, Csv());
  EXPECT_THAT(imported.status, AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("ROWS_REFUSED")));
  EXPECT_THAT(imported.problems,
              ::testing::UnorderedElementsAre(IsProblem(3, "finding.due.date"), IsProblem(4, "kinds"),
                                              IsProblem(4, "publication_date"), IsProblem(5, "name"), IsProblem(6, ""),
                                              IsProblem(7, "name"), IsProblem(8, "name"), IsProblem(9, "record"),
                                              IsProblem(10, "title")));
  for (const auto& problem : imported.problems) {
    EXPECT_FALSE(problem.reason().empty());
  }
  EXPECT_EQ(CountReports(), 0);
  EXPECT_EQ(imported.progress.problems(), 9);

  const Imported references = Import(kHeader + Report("ok") + Report("e", ",,,,forces/atlantis,,,,,,"), Csv());
  EXPECT_THAT(references.problems, ElementsAre(IsProblem(3, "scope.forces")));
  EXPECT_EQ(CountReports(), 0);
}

TEST_P(ExchangeTest, EveryBadLineIsTold) {
  const std::string file =
      "\xEF\xBB\xBF{\"name\": \"inspections/a\", \"title\": \"A\"}\r\n\r\n{\"name\": \"inspections/b\", \"title\" "
      "\"B\"}\n"
      "{\"name\": \"inspections/c\", \"title\": \"C\", \"bogus\": 1}\n"
      "{\"name\": \"inspections/d\", \"title\": \"D\", \"findings\": [{\"kind\": \"PRACTICE\"}]}\n"
      "{\"name\": \"inspections/e\", \"title\": \"\xff\"}\n[]\n"
      "{\"name\": \"inspections/f\"}";
  const Imported imported = Import(file, JsonLines(), /*piece=*/10);
  EXPECT_THAT(imported.status, HasReason("ROWS_REFUSED"));
  EXPECT_THAT(imported.problems, SizeIs(6));
  std::vector<int64_t> lines;
  for (const auto& problem : imported.problems) {
    lines.push_back(problem.line());
  }
  std::sort(lines.begin(), lines.end());
  EXPECT_THAT(lines, ElementsAre(3, 4, 5, 6, 7, 8));
  EXPECT_THAT(imported.problems, ::testing::Contains(IsProblem(3, "character 37")));
  EXPECT_THAT(imported.problems, ::testing::Contains(IsProblem(4, "bogus")));
  EXPECT_THAT(imported.problems, ::testing::Contains(IsProblem(5, "findings[0].text")));
  EXPECT_EQ(CountReports(), 0);
}

TEST_P(ExchangeTest, GoodReportsAreKeptOnlyIfAsked) {
  const std::string file =
      kHeader + Report("a") + Recommendation("a", "1") + Report("b") + Recommendation("b", "1", "x") + Report("c");
  EXPECT_THAT(Import(file, Csv()).status, HasReason("ROWS_REFUSED"));
  EXPECT_EQ(CountReports(), 0);
  v1::ImportInspectionsRequest how = Csv();
  how.set_keep_good(true);
  const Imported imported = Import(file, how);
  ASSERT_THAT(imported.status, IsOk());
  EXPECT_EQ(imported.result.created(), 2);
  EXPECT_EQ(imported.result.refused(), 1);
  EXPECT_THAT(imported.problems, ElementsAre(IsProblem(5, "finding.due.date")));
  EXPECT_EQ(CountReports(), 2);

  // A file that cannot be read to its end is refused whole: its last report may lack findings.
  EXPECT_THAT(Import(kHeader + Report("d") + "finding,\"inspections/d", how).status, HasReason("ROWS_REFUSED"));
  EXPECT_EQ(CountReports(), 2);
}

TEST_P(ExchangeTest, ValidateOnlyDoesNothing) {
  v1::ImportInspectionsRequest how = Csv();
  how.set_validate_only(true);
  const Imported imported = Import(kHeader + Report("a"), how);
  ASSERT_THAT(imported.status, IsOk());
  EXPECT_TRUE(imported.result.validate_only());
  EXPECT_EQ(imported.result.created(), 1);
  EXPECT_EQ(CountReports(), 0);
  EXPECT_THAT(Import(kHeader + Report("a", ",NONSENSE,,,,,,,,,"), how).problems, ElementsAre(IsProblem(2, "kinds")));
}

TEST_P(ExchangeTest, WithoutItsEndNothingIsDone) {
  const auto context = Registrar();
  const auto stream = stub_->ImportInspections(context.get());
  v1::ImportInspectionsRequest piece = Csv();
  piece.set_data(kHeader + Report("a"));
  stream->Write(piece);
  stream->WritesDone();
  EXPECT_THAT(stream->Finish(), AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("FILE_INCOMPLETE")));
  EXPECT_EQ(CountReports(), 0);
  EXPECT_THAT(Import("", JsonLines()).problems, SizeIs(1));
  EXPECT_THAT(Import("x", {}).status, ViolationOn("format"));
  EXPECT_THAT(Import("name,record,bogus,name\r\n", Csv()).problems,
              ElementsAre(IsProblem(1, "bogus"), IsProblem(1, "name")));
}

TEST_P(ExchangeTest, ARepeatGetsTheFirstAnswerHoweverItIsCut) {
  v1::ImportInspectionsRequest how = Csv();
  how.set_request_id("one");
  EXPECT_EQ(Import(kHeader + Report("a"), how).result.created(), 1);
  EXPECT_EQ(Import(kHeader + Report("a"), how, /*piece=*/5).result.created(), 1);
  EXPECT_THAT(Import(kHeader + Report("b"), how).status, ViolationOn("request_id"));
  EXPECT_EQ(CountReports(), 1);
}

TEST_P(ExchangeTest, WhatIsThereIsReplacedOnlyWhereItMay) {
  EXPECT_THAT(Import(kHeader + Report("a"), Csv()).status, IsOk());
  const std::string other = kHeader + Report("a") + Recommendation("a", "1");
  EXPECT_THAT(Import(other, Csv()).problems, ElementsAre(IsProblem(2, "name")));
  v1::ImportInspectionsRequest how = Csv();
  how.set_replace_drafts(true);
  EXPECT_EQ(Import(other, how).result.replaced(), 1);
  EXPECT_EQ(Import(other, how).result.unchanged(), 1);
  EXPECT_THAT(Export(v1::FILE_FORMAT_CSV), HasSubstr("recommendation-1"));
}

TEST_P(ExchangeTest, ThousandsAtOnce) {
  std::string file = kHeader;
  for (int i = 0; i < 2'000; ++i) {
    file += Report(fmt::format("r-{:04}", i)) + Recommendation(fmt::format("r-{:04}", i), "1");
  }
  const Imported imported = Import(file, Csv(), /*piece=*/100'000);
  ASSERT_THAT(imported.status, IsOk());
  EXPECT_EQ(imported.result.created(), 2'000);
  EXPECT_EQ(imported.progress.rows(), 4'000);
  const std::string exported = Export(v1::FILE_FORMAT_CSV);
  EXPECT_EQ(std::count(exported.begin(), exported.end(), '\n'), 4'001);
  // One bad row among thousands, and nothing is left of the others.
  std::string bad = kHeader;
  for (int i = 0; i < 2'000; ++i) {
    bad += Report(fmt::format("s-{:04}", i), i == 1'500 ? ",,,,forces/atlantis,,,,,," : ",,,,,,,,,,");
  }
  EXPECT_THAT(Import(bad, Csv()).problems, ElementsAre(IsProblem(1'502, "scope.forces")));
  EXPECT_THAT(Export(v1::FILE_FORMAT_CSV), ::testing::Not(HasSubstr("inspections/s-")));
}

TEST_P(ExchangeTest, NoFileHoldsUpOtherWritersForLong) {
  std::string file = kHeader;
  for (int i = 0; i < 20'000; ++i) {
    file += Report(fmt::format("r-{:05}", i));
  }
  file += Recommendation("r-19999", "1");
  const grpc::Status status = Import(file, Csv()).status;
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(AsStatus(status), HasReason("FILE_TOO_LARGE"));
  EXPECT_THAT(Export(v1::FILE_FORMAT_CSV), ::testing::Not(HasSubstr("inspections/r-")));
}

TEST_P(ExchangeTest, ReportsOfOneFileMayGoBackToEachOther) {
  const std::string first = R"({"name": "inspections/first", "title": "First", "findings": [{"number": "1",)"
                            R"( "kind": "PRACTICE", "text": "Good."}]})";
  const std::string again = R"({"name": "inspections/again", "title": "Again", "relations": [{"kind": "REVISIT_OF",)"
                            R"( "inspection": "inspections/first"}], "findings": [{"number": "1", "kind": "PRACTICE",)"
                            R"( "text": "Still good.", "relations": [{"kind": "REPEATS",)"
                            R"( "finding": "inspections/first/findings/practice-1"}]}]})";
  const std::string third = R"({"name": "inspections/third", "title": "Third", "relations": [{"kind": "REVISIT_OF",)"
                            R"( "inspection": "inspections/again"}]})";
  EXPECT_THAT(Import(again + "\n", JsonLines()).problems,
              ::testing::UnorderedElementsAre(IsProblem(1, "relations[0].inspection"),
                                              IsProblem(1, "findings[0].relations[0].finding")));
  // The first is bad, so the second has nothing to go back to, nor the third.
  v1::ImportInspectionsRequest how = JsonLines();
  how.set_keep_good(true);
  const Imported none = Import(
      fmt::format("{}\n{}\n{}\n", third, again, R"({"name": "inspections/first", "title": "First", "url": "ftp://x"})"),
      how);
  EXPECT_EQ(none.result.created(), 0);
  EXPECT_EQ(none.result.refused(), 3);
  EXPECT_THAT(none.problems, ::testing::Contains(IsProblem(3, "url")));
  EXPECT_THAT(none.problems, ::testing::Contains(IsProblem(1, "relations[0].inspection")));

  const Imported imported = Import(fmt::format("{}\n{}\n{}\n", third, again, first), JsonLines());
  ASSERT_THAT(imported.status, IsOk()) << imported.problems.size();
  EXPECT_EQ(imported.result.created(), 3);
  for (const v1::FileFormat format : {v1::FILE_FORMAT_CSV, v1::FILE_FORMAT_JSON_LINES}) {
    v1::ImportInspectionsRequest same;
    same.set_format(format);
    EXPECT_EQ(Import(Export(format), same).result.unchanged(), 3);
  }
}

// What a spreadsheet would run when the file is opened, and what a careless or hostile one holds.
TEST_P(ExchangeTest, TextsThatASpreadsheetWouldTakeForFormulasGoRound) {
  v1::CreateInspectionRequest request;
  request.set_inspection_id("formulas");
  v1::Inspection& report = *request.mutable_inspection();
  report.set_title("=HYPERLINK(\"https://example.org\")");
  report.set_short_title("'=1+1");
  report.add_publishers("@SUM(A1)");
  report.add_publishers("+44");
  auto& finding = *report.add_findings();
  finding.set_kind(v1::Finding::PRACTICE);
  finding.set_text("- a list\n- of two");
  finding.set_summary("'tis not one");
  v1::Inspection created;
  ASSERT_THAT(stub_->CreateInspection(Registrar().get(), request, &created), IsOk());
  const std::string file = Export(v1::FILE_FORMAT_CSV);
  EXPECT_THAT(file, HasSubstr(",\"'=HYPERLINK(\"\"https://example.org\"\")\","));
  EXPECT_THAT(file, HasSubstr(",''=1+1,"));
  EXPECT_THAT(file, HasSubstr("\"'@SUM(A1)\n+44\""));
  EXPECT_THAT(file, HasSubstr("\"'- a list\n- of two\""));
  EXPECT_THAT(file, HasSubstr(",'tis not one,"));
  EXPECT_EQ(Import(file, Csv()).result.unchanged(), 1);
}

TEST_P(ExchangeTest, DamagedFilesChangeNothing) {
  const auto refused = [&](const std::string& file, int64_t line, const std::string& column) {
    const Imported imported = Import(file, Csv());
    EXPECT_THAT(imported.status, HasReason("ROWS_REFUSED")) << file.substr(0, 200);
    EXPECT_THAT(imported.problems, ::testing::Contains(IsProblem(line, column))) << file.substr(0, 200);
    EXPECT_EQ(CountReports(), 0);
  };
  refused(kHeader + Report("a") + Report("b\xff"), 3, "");                    // not UTF-8
  refused(kHeader + Report("a") + Report("b", ",\xc3,,,,,,,,,"), 3, "");      // half a character
  refused(kHeader + Report("a") + Report("b", ",,,2020\"12,,,,,,,"), 3, "");  // a quote in the middle
  refused(kHeader + Report("a") + "inspection,\"inspections/b", 3, "");       // cut off within quotes
  refused(kHeader + Report("a") + "inspection,inspections/b,T", 3, "");       // cut off within a row
  refused(kHeader + Report("a") + Report("b", std::string(",,\0,,,,,,,,", 11)), 3, "publishers");
  refused(kHeader + Report("a") + Report("b", "," + std::string(100'000, 'K') + ",,,,,,,,,"), 3, "kinds");
  refused(kHeader + Report("a") + "inspection,inspections/b," + std::string(501, 't') + ",,,,,,,,,,\r\n", 3, "title");
  // A quote that is not closed makes one cell of the rest of the file.
  refused(kHeader + Report("a") + "inspection,inspections/b,\"" + std::string(3 << 20, 'x'), 3, "");
  refused("PK\x03\x04 not a table at all \x00\x01", 1, "record");
  refused(std::string(kHeader), 1, "");  // no report at all

  // The same file in the hands of other programs: a byte order mark, single line feeds, blank lines, quotes where none are needed.
  std::string other = "\xEF\xBB\xBF\"record\",\"name\",\"title\"\n\n\"inspection\",\"inspections/a\",\"A\"\n\n";
  const Imported imported = Import(other, Csv(), /*piece=*/1);
  EXPECT_THAT(imported.status, IsOk());
  EXPECT_EQ(imported.result.created(), 1);
}

TEST_P(ExchangeTest, LongLinesAreToldAndPassedOver) {
  const std::string file = "{\"name\": \"inspections/a\", \"title\": \"A\"}\n{\"title\": \"" +
                           std::string(9 << 20, 'x') + "\"}\n{\"name\": \"inspections/b\", \"title\": 1e999}\n" +
                           std::string(200, '[') + "\n";
  const Imported imported = Import(file, JsonLines());
  EXPECT_THAT(imported.status, HasReason("ROWS_REFUSED"));
  std::vector<int64_t> told;
  for (const auto& problem : imported.problems) {
    told.push_back(problem.line());
  }
  EXPECT_THAT(told, ElementsAre(2, 3, 4));
  EXPECT_EQ(CountReports(), 0);
}

// All that is in the sample, which is real but for the words of the findings, into a registry that has nothing but the forces and bodies.
TEST_P(ExchangeTest, TheSampleGoesRound) {
  const auto script = sample::ReadScript(SECTION55_SOURCE_DIR "/deploy/sample/sample.calls");
  ASSERT_THAT(script, IsOk());
  std::vector<v1::CreateInspectionRequest> reports;
  for (const sample::Entry& entry : *script) {
    const auto play = [&](auto request, auto&& call) {
      ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(entry.request.dump(), &request).ok()) << entry.line;
      call(request);
    };
    if (entry.method == "CreateForce") {
      play(v1::CreateForceRequest(), [&](const auto& request) {
        v1::Force force;
        (void)stub_->CreateForce(Registrar().get(), request, &force);  // Norfolk is there already
      });
    } else if (entry.method == "CreateBody") {
      play(v1::CreateBodyRequest(), [&](const auto& request) {
        v1::Body body;
        EXPECT_THAT(stub_->CreateBody(Registrar().get(), request, &body), IsOk()) << entry.line;
      });
    } else if (entry.method == "ImportInspections") {
      play(v1::ImportInspectionsRequest(), [&](const auto& request) {
        const Imported older = Import(request.data(), Csv());
        EXPECT_THAT(older.status, IsOk());
        EXPECT_EQ(older.result.created(), 2);
      });
    } else if (entry.method == "CreateInspection") {
      play(v1::CreateInspectionRequest(), [&](const auto& request) { reports.push_back(request); });
    }
  }
  ASSERT_THAT(reports, SizeIs(::testing::Ge(11)));
  std::string lines;
  for (v1::CreateInspectionRequest& request : reports) {
    request.mutable_inspection()->set_name("inspections/" + request.inspection_id());
    std::string line;
    ASSERT_TRUE(google::protobuf::util::MessageToJsonString(request.inspection(), &line).ok());
    lines += line + "\n";
  }
  const Imported imported = Import(lines, JsonLines());
  ASSERT_THAT(imported.status, IsOk()) << imported.problems.size();
  EXPECT_EQ(imported.result.created(), static_cast<int>(reports.size()));
  const std::string exported = Export(v1::FILE_FORMAT_CSV);
  EXPECT_EQ(Import(exported, Csv()).result.unchanged(), imported.result.created() + 2);
  EXPECT_EQ(Import(Export(v1::FILE_FORMAT_JSON_LINES), JsonLines()).result.unchanged(), imported.result.created() + 2);
  EXPECT_EQ(Export(v1::FILE_FORMAT_CSV), exported);
}

TEST_P(ExchangeTest, OnlyRegistrarsImportAndNothingIsReadOfOthers) {
  const auto context = server_.As("ann", {"auditor"});
  const auto stream = stub_->ImportInspections(context.get());
  // Nothing was sent: who may not call is told at once.
  v1::ImportInspectionsResponse answer;
  EXPECT_FALSE(stream->Read(&answer));
  EXPECT_THAT(stream->Finish(), StatusIs(absl::StatusCode::kPermissionDenied));
  const auto author = server_.As("ann", {"author@bodies/norfolk-pcc"});
  v1::ExportInspectionsRequest request;
  request.set_format(v1::FILE_FORMAT_CSV);
  const auto exporting = stub_->ExportInspections(author.get(), request);
  v1::ExportInspectionsResponse piece;
  EXPECT_FALSE(exporting->Read(&piece));
  EXPECT_THAT(exporting->Finish(), StatusIs(absl::StatusCode::kPermissionDenied));
}

SECTION55_ON_BOTH_ENGINES(RoundTripTest);
SECTION55_ON_BOTH_ENGINES(ExchangeTest);

}  // namespace
}  // namespace section55::registry
