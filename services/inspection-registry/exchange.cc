#include "services/inspection-registry/exchange.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libs/base/checks.h"
#include "libs/base/ids.h"
#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/csv/csv.h"
#include "libs/rpc/change.h"
#include "services/inspection-registry/access.h"
#include "services/inspection-registry/import_file.h"
#include "services/inspection-registry/rules.h"
#include "services/inspection-registry/sheet.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {
namespace {

using Result = v1::ImportInspectionsResponse::Result;

constexpr size_t kMostProblemsTold = 10'000;
// Of one answer: it stays far below what a message may hold.
constexpr size_t kProblemsTogether = 500;
constexpr int64_t kRowsBetweenAnswers = 1'000;

// Of an export: what is read at a time, and what is sent.
constexpr int kReportsTogether = 100;
constexpr size_t kBytesTogether = base::kMebibyte;
constexpr size_t kPiece = 256 * base::kKibibyte;

absl::Status CallerIsGone() {
  return base::Error(absl::StatusCode::kCancelled, "CANCELLED", "the caller is gone; nothing was done");
}

// One import, from its first message to its result.
class Importing {
 public:
  Importing(const rpc::Call& call, db::Database& database, TellImport tell)
      : call_(call), database_(database), tell_(tell) {}

  absl::Status Run(NextPiece next) {
    RETURN_IF_ERROR(ReadAll(next));
    if (file_->broken()) {
      // What follows, or belongs to what was read, is not known: good reports cannot be told from cut ones.
      return Refuse();
    }
    CheckThemselves();
    Result result;
    const absl::Status status = how_.validate_only() ? Foresee(result) : Change(result);
    if (refused_) {
      return Refuse();
    }
    RETURN_IF_ERROR(status);
    result.set_validate_only(how_.validate_only());
    v1::ImportInspectionsResponse last;
    *last.mutable_result() = result;
    TellProblems();
    return Tell(std::move(last)) ? absl::OkStatus() : CallerIsGone();
  }

 private:
  // What is to be written, decided on what was stored; by the reports' places in the file.
  struct Plan {
    std::map<size_t, v1::Inspection> create;
    std::map<size_t, store::StoredInspection> replace;
    std::vector<bool> refused;
    std::vector<size_t> again;  // to be decided anew
    std::vector<Problem> problems;
  };

  absl::Status ReadAll(NextPiece next) {
    v1::ImportInspectionsRequest piece;
    ASSIGN_OR_RETURN(bool more, next(piece));
    if (!more) {
      return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_REQUEST",
                         "no message came, or one that cannot be read: it is not of the method's type, or a text in it "
                         "is not UTF-8");
    }
    how_ = piece;
    how_.clear_data();
    how_.clear_last();
    base::Violations violations;
    base::CheckEnum("format", how_.format(), v1::FileFormat_IsValid, base::Presence::kRequired, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    file_.emplace(how_.format());
    while (more) {
      bytes_ += static_cast<int64_t>(piece.data().size());
      if (bytes_ > kLargestImport) {
        return base::Error(absl::StatusCode::kResourceExhausted, "FILE_TOO_LARGE",
                           fmt::format("a file may have at most {} bytes; import it in parts", kLargestImport),
                           {{"largest_bytes", std::to_string(kLargestImport)}});
      }
      // The same file has the same digest however it is cut.
      digest_.Add(piece.data());
      file_->Read(piece.data());
      RETURN_IF_ERROR(CheckItems());
      if (piece.last()) {
        how_.set_data(digest_.Hex());
        file_->Finish();
        found_ = file_->problems();
        return CheckItems();
      }
      if (file_->rows() >= told_rows_ + kRowsBetweenAnswers) {
        told_rows_ = file_->rows();
        found_ = file_->problems();
        TellProblems();
        if (!Tell({})) {
          return CallerIsGone();
        }
      }
      ASSIGN_OR_RETURN(more, next(piece));
    }
    return base::Error(
        absl::StatusCode::kInvalidArgument, "FILE_INCOMPLETE",
        "the stream ended, or a message of it could not be read, before one with `last`; nothing was done");
  }

  absl::Status CheckItems() const {
    return file_->items() <= kMostImported
               ? absl::OkStatus()
               : base::Error(absl::StatusCode::kResourceExhausted, "FILE_TOO_LARGE",
                             fmt::format("a file may have at most {} reports and findings in all; import it in parts",
                                         kMostImported),
                             {{"most_items", std::to_string(kMostImported)}});
  }

  // What is wrong with each report by itself.
  void CheckThemselves() {
    std::vector<Candidate>& all = file_->candidates();
    // A cell that could not be read is empty in the report: that it is, is no news.
    std::set<std::pair<int64_t, std::string>> told;
    for (const Problem& problem : found_) {
      told.emplace(problem.line(), problem.column());
    }
    for (size_t i = 0; i < all.size(); ++i) {
      Candidate& candidate = all[i];
      if (candidate.inspection.name().empty()) {
        continue;
      }
      places_.emplace(candidate.inspection.name(), i);  // the first of two of one name; the second is bad
      base::Violations violations;
      if (base::IsBlank(candidate.inspection.title())) {
        violations.Add("inspection.title", "is required");
      }
      rules::ValidateInspection(candidate.inspection, candidate.inspection.name(), violations);
      for (Problem& problem : ProblemsOf(candidate, base::BadRequestOf(violations.ToStatus()))) {
        candidate.bad = true;
        if (!told.contains({problem.line(), problem.column()})) {
          found_.push_back(std::move(problem));
        }
      }
    }
    for (size_t i = 0; i < all.size(); ++i) {
      for (const std::string& id : rules::RelatedReports(all[i].inspection)) {
        if (const auto other = places_.find(base::MakeName(base::kInspectionName, {id})); other != places_.end()) {
          going_back_to_[other->second].push_back(i);
        }
      }
    }
  }

  // What a report is related to, as it would be after the import: a report of the file, or else one that is registered.
  absl::Status FindRelated(db::Transaction& tx, const v1::Inspection& inspection, const Plan& plan,
                           rules::Reports& related) {
    ASSIGN_OR_RETURN(related, LoadRelated(tx, inspection));
    for (const std::string& id : rules::RelatedReports(inspection)) {
      const std::string name = base::MakeName(base::kInspectionName, {id});
      if (const auto other = places_.find(name); other != places_.end() && !plan.refused[other->second]) {
        v1::Inspection& report = related[name];
        report.Clear();
        report.set_name(name);
        for (const v1::Finding& finding : file_->candidates()[other->second].inspection.findings()) {
          report.add_findings()->set_id(finding.id());
        }
      }
    }
    return absl::OkStatus();
  }

  // What is wrong with a report beside what is registered and what else is in the file, and what is to be done with it.
  absl::Status DecideOne(db::Transaction& tx, const rules::Register& registered, size_t place, Plan& plan) {
    const Candidate& candidate = file_->candidates()[place];
    base::Violations violations;
    rules::Reports related;
    RETURN_IF_ERROR(FindRelated(tx, candidate.inspection, plan, related));
    rules::ValidateReferences(candidate.inspection, registered, related, violations);
    rules::ValidateSize(candidate.inspection, registered, violations);
    ASSIGN_OR_RETURN(std::optional<store::StoredInspection> there, store::FindInspection(tx, candidate.inspection));
    const bool same = there && db::SerialiseDeterministically(sheet::Settable(there->message)) ==
                                   db::SerialiseDeterministically(candidate.inspection);
    if (there && !same && there->message.state() != v1::Inspection::DRAFT) {
      violations.Add(sheet::kName, "is published and says something else; CorrectInspection puts it right");
    } else if (there && !same && !how_.replace_drafts()) {
      violations.Add(sheet::kName, "is a draft that says something else; with replace_drafts this one takes its place");
    }
    const std::vector<Problem> problems = ProblemsOf(candidate, base::BadRequestOf(violations.ToStatus()));
    if (!problems.empty()) {
      plan.problems.insert(plan.problems.end(), problems.begin(), problems.end());
      Refuse(place, plan);
    } else if (!there) {
      plan.create.emplace(place, candidate.inspection);
    } else if (!same) {
      rules::CopyFields(candidate.inspection, rules::SettableFields(), there->message);
      plan.replace.emplace(place, *std::move(there));
    }
    return absl::OkStatus();
  }

  // A report that is not there after all is nothing that others can go back to: they are to be looked at again.
  void Refuse(size_t place, Plan& plan) {
    plan.refused[place] = true;
    plan.create.erase(place);
    plan.replace.erase(place);
    if (const auto others = going_back_to_.find(place); others != going_back_to_.end()) {
      plan.again.insert(plan.again.end(), others->second.begin(), others->second.end());
    }
  }

  absl::Status Decide(db::Transaction& tx, Plan& plan, Result& result) {
    const std::vector<Candidate>& all = file_->candidates();
    plan = Plan();
    for (const Candidate& candidate : all) {
      plan.refused.push_back(candidate.bad);
    }
    ASSIGN_OR_RETURN(const store::StoredRegister registered, store::LoadRegister(tx));
    for (size_t i = 0; i < all.size(); ++i) {
      if (!plan.refused[i]) {
        RETURN_IF_ERROR(DecideOne(tx, registered.all, i, plan));
      }
    }
    while (!plan.again.empty()) {
      const size_t place = plan.again.back();
      plan.again.pop_back();
      if (!plan.refused[place]) {
        RETURN_IF_ERROR(DecideOne(tx, registered.all, place, plan));
      }
    }
    const auto refused = std::count(plan.refused.begin(), plan.refused.end(), true);
    result.set_created(static_cast<int>(plan.create.size()));
    result.set_replaced(static_cast<int>(plan.replace.size()));
    result.set_refused(static_cast<int>(refused));
    result.set_unchanged(static_cast<int>(all.size() - refused - plan.create.size() - plan.replace.size()));
    refused_ = !how_.keep_good() && (!found_.empty() || !plan.problems.empty());
    return refused_ ? absl::CancelledError("rows are refused") : absl::OkStatus();
  }

  absl::Status Foresee(Result& result) {
    Plan plan;
    const absl::Status status =
        database_.Read([&](db::Transaction& tx) { return Decide(tx, plan, result); }, call_.deadline);
    found_.insert(found_.end(), plan.problems.begin(), plan.problems.end());
    return status;
  }

  // One transaction for all of it: whatever happens meanwhile, the whole file is registered or nothing.
  absl::Status Change(Result& result) {
    Plan plan;
    const absl::Status status = rpc::Change(
        call_, database_, how_, result, [&](db::Transaction& tx) { return Decide(tx, plan, result); },
        [&](db::Transaction& tx) -> absl::Status {
          for (const auto& [place, inspection] : plan.create) {
            RETURN_IF_ERROR(StillWanted());
            store::StoredInspection row{inspection};
            row.message.set_state(v1::Inspection::DRAFT);
            *row.message.mutable_create_time() = base::ToTimestamp(call_.now);
            *row.message.mutable_update_time() = base::ToTimestamp(call_.now);
            const absl::Status added = store::InsertInspection(tx, row);
            if (!added.ok()) {
              return absl::IsAlreadyExists(added) ? tx.Conflict() : added;
            }
          }
          for (const auto& [place, replaced] : plan.replace) {
            RETURN_IF_ERROR(StillWanted());
            store::StoredInspection row = replaced;
            *row.message.mutable_update_time() = base::ToTimestamp(call_.now);
            RETURN_IF_ERROR(store::UpdateInspection(tx, row));
          }
          return absl::OkStatus();
        });
    found_.insert(found_.end(), plan.problems.begin(), plan.problems.end());
    return status;
  }

  // Other writers wait for this one: not longer than its caller does.
  absl::Status StillWanted() const { return call_.cancelled() ? CallerIsGone() : absl::OkStatus(); }

  absl::Status Refuse() {
    TellProblems();
    if (!Tell({})) {
      return CallerIsGone();
    }
    return base::Error(absl::StatusCode::kInvalidArgument, "ROWS_REFUSED",
                       fmt::format("{} problem{} in the file, told in the answers; nothing was done", found_.size(),
                                   found_.size() == 1 ? " is" : "s are"),
                       {{"problems", std::to_string(found_.size())}});
  }

  void TellProblems() {
    while (told_ < std::min(found_.size(), kMostProblemsTold)) {
      v1::ImportInspectionsResponse answer;
      const size_t end = std::min({told_ + kProblemsTogether, found_.size(), kMostProblemsTold});
      for (; told_ < end; ++told_) {
        *answer.add_problems() = found_[told_];
      }
      Tell(std::move(answer));
    }
  }

  bool Tell(v1::ImportInspectionsResponse answer) {
    v1::ImportInspectionsResponse::Progress& progress = *answer.mutable_progress();
    progress.set_bytes(bytes_);
    progress.set_rows(file_->rows());
    progress.set_inspections(static_cast<int64_t>(file_->candidates().size()));
    progress.set_problems(static_cast<int64_t>(found_.size()));
    return tell_(answer);
  }

  const rpc::Call& call_;
  db::Database& database_;
  const TellImport tell_;
  // The first message, with the file's digest in place of its bytes: what a repeat must equal.
  v1::ImportInspectionsRequest how_;
  std::optional<ImportFile> file_;
  base::Sha256 digest_;
  int64_t bytes_ = 0;
  int64_t told_rows_ = 0;
  absl::flat_hash_map<std::string, size_t> places_;                 // of each report in the file, by name
  absl::flat_hash_map<size_t, std::vector<size_t>> going_back_to_;  // those of the file that are related to one
  std::vector<Problem> found_;
  size_t told_ = 0;  // of those found
  bool refused_ = false;
};

std::string JsonLineOf(const v1::Inspection& inspection) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  (void)google::protobuf::util::MessageToJsonString(inspection, &json, options);
  return json + "\n";
}

}  // namespace

absl::Status Import(const rpc::Call& call, db::Database& database, NextPiece next, TellImport tell) {
  return Importing(call, database, tell).Run(next);
}

absl::Status Export(const rpc::Call& call, db::Database& database, const v1::ExportInspectionsRequest& request,
                    SendPiece send) {
  base::Violations violations;
  base::CheckEnum("format", request.format(), v1::FileFormat_IsValid, base::Presence::kRequired, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  const bool is_csv = request.format() == v1::FILE_FORMAT_CSV;
  std::string text;
  if (is_csv) {
    csv::AppendRow(sheet::HeaderRow(), text);
  }
  const auto send_text = [&](size_t more_than) {
    v1::ExportInspectionsResponse piece;
    while (text.size() > more_than) {
      piece.set_data(text.substr(0, kPiece));
      text.erase(0, kPiece);
      if (!send(piece)) {
        return false;
      }
    }
    return true;
  };
  std::string after;
  for (bool more = true; more;) {
    std::vector<v1::Inspection> page;
    RETURN_IF_ERROR(database.Read(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(page, store::ListInspectionsByName(tx, after, kReportsTogether, kBytesTogether));
          return absl::OkStatus();
        },
        call.deadline));
    for (const v1::Inspection& stored : page) {
      const v1::Inspection inspection = sheet::Settable(stored);
      if (!is_csv) {
        text += JsonLineOf(inspection);
        continue;
      }
      for (const std::vector<std::string>& row : sheet::RowsOf(inspection)) {
        csv::AppendRow(row, text);
      }
    }
    more = !page.empty();
    after = more ? page.back().name().substr(page.back().name().find('/') + 1) : "";
    if (!send_text(more ? kPiece : 0)) {
      return CallerIsGone();
    }
  }
  return absl::OkStatus();
}

}  // namespace section55::registry
