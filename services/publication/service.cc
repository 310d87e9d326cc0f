#include "services/publication/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "libs/base/filter.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/rpc/mutate.h"
#include "libs/rpc/paging.h"
#include "services/publication/rules.h"
#include "services/publication/store.h"

namespace section55::publication {
namespace {

constexpr size_t kChunk = size_t{64} * 1024;

// The publication that a request names in `field`; a violation when it names none.
store::Key ReadName(std::string_view field, std::string_view name, base::Violations& violations) {
  const auto ids = base::ParseName(name, "bodies/{body}/publications/{inspection}");
  if (!ids) {
    violations.Add(field, "must be a publication's name, \"bodies/norfolk-pcc/publications/safe-to-share\"");
    return {};
  }
  return {(*ids)[0], (*ids)[1]};
}

// A number that this service wrote into a page token.
int64_t NumberOf(const std::string& text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Reads one row more than asked for, to know whether there is a next page; takes it off again.
template <typename Item>
bool TakeSurplus(std::vector<Item>& items, int page_size) {
  const bool more = items.size() > static_cast<size_t>(page_size);
  if (more) {
    items.pop_back();
  }
  return more;
}

}  // namespace

grpc::Status PublicationService::GetPublication(grpc::ServerContext* context, const v1::GetPublicationRequest* request,
                                                v1::PublicationRecord* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    const store::Key key = ReadName("name", request->name(), violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(*response, store::LoadPublication(tx, key));
      return absl::OkStatus();
    });
  });
}

grpc::Status PublicationService::ListPublications(grpc::ServerContext* context,
                                                  const v1::ListPublicationsRequest* request,
                                                  v1::ListPublicationsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    store::PublicationQuery query;
    const auto parent = base::ParseName(request->parent(), "bodies/{body}", /*wildcard=*/true);
    if (!parent) {
      violations.Add("parent", "must be a body's name, \"bodies/norfolk-pcc\", or \"bodies/-\" for all");
    } else if (parent->front() != "-") {
      query.body = parent->front();
    }
    const auto wanted = base::ParseFilter(request->filter(), {"inspection"}, violations);
    if (const auto found = wanted.find("inspection"); found != wanted.end()) {
      if (const auto inspection = base::ParseName(found->second, "inspections/{inspection}")) {
        query.inspection = inspection->front();
      } else {
        violations.Add("filter", "inspection must be a report's name, \"inspections/safe-to-share\"");
      }
    }
    const int page_size = rpc::PageSize(request->page_size(), violations);
    const std::vector<std::string> after = rpc::ReadPageToken(*request, 3, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    if (!after.empty()) {
      query.after = store::PublicationPlace{NumberOf(after[0]), {after[1], after[2]}};
    }
    query.limit = page_size + 1;

    std::vector<v1::PublicationRecord> found;
    RETURN_IF_ERROR(database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(found, store::ListPublications(tx, query));
      return absl::OkStatus();
    }));
    if (TakeSurplus(found, page_size)) {
      const store::PublicationPlace last = store::PlaceOf(found.back());
      response->set_next_page_token(
          rpc::MakePageToken(*request, {std::to_string(last.published_micros), last.key.body, last.key.inspection}));
    }
    response->mutable_publications()->Assign(found.begin(), found.end());
    return absl::OkStatus();
  });
}

grpc::Status PublicationService::GetRendition(grpc::ServerContext* context, const v1::GetRenditionRequest* request,
                                              grpc::ServerWriter<v1::GetRenditionResponse>* writer) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    const store::Key key = ReadName("name", request->name(), violations);
    if (request->format() != v1::GetRenditionRequest::HTML && request->format() != v1::GetRenditionRequest::JSON) {
      violations.Add("format", "must be HTML or JSON");
    }
    RETURN_IF_ERROR(violations.ToStatus());
    // Read as a whole before anything is sent: a slow reader holds no connection to the database.
    std::string content;
    RETURN_IF_ERROR(database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(content, store::LoadRendition(tx, key, request->format()));
      return absl::OkStatus();
    }));
    v1::GetRenditionResponse chunk;
    for (size_t sent = 0; sent < content.size(); sent += kChunk) {
      chunk.set_data(content.substr(sent, kChunk));
      if (!writer->Write(chunk)) {
        return absl::CancelledError("the caller has gone");
      }
    }
    return absl::OkStatus();
  });
}

grpc::Status PublicationService::ListCopies(grpc::ServerContext* context, const v1::ListCopiesRequest* request,
                                            v1::ListCopiesResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    const store::Key key = ReadName("parent", request->parent(), violations);
    const int page_size = rpc::PageSize(request->page_size(), violations);
    const std::vector<std::string> token = rpc::ReadPageToken(*request, 3, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    store::CopyPlace after;
    if (!token.empty()) {
      after = {NumberOf(token[0]), NumberOf(token[1]), token[2]};
    }

    std::vector<v1::Copy> found;
    RETURN_IF_ERROR(database_.Read([&](db::Transaction& tx) -> absl::Status {
      RETURN_IF_ERROR(store::LoadPublication(tx, key).status());
      ASSIGN_OR_RETURN(found, store::ListCopies(tx, key, after, page_size + 1));
      return absl::OkStatus();
    }));
    if (TakeSurplus(found, page_size)) {
      const store::CopyPlace last = store::PlaceOf(found.back());
      response->set_next_page_token(
          rpc::MakePageToken(*request, {std::to_string(last.edition), std::to_string(last.kind), last.copy_id}));
    }
    response->mutable_copies()->Assign(found.begin(), found.end());
    return absl::OkStatus();
  });
}

grpc::Status PublicationService::CreateRecipient(grpc::ServerContext* context,
                                                 const v1::CreateRecipientRequest* request, v1::Recipient* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    rules::CheckRecipient(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return rpc::Mutate(call, database_, *request, *response, [&](db::Transaction& tx) {
      *response = request->recipient();
      response->set_name(fmt::format("recipients/{}", request->recipient_id()));
      return store::InsertRecipient(tx, *response);
    });
  });
}

grpc::Status PublicationService::ListRecipients(grpc::ServerContext* context, const v1::ListRecipientsRequest* request,
                                                v1::ListRecipientsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    const int page_size = rpc::PageSize(request->page_size(), violations);
    const std::vector<std::string> token = rpc::ReadPageToken(*request, 1, violations);
    RETURN_IF_ERROR(violations.ToStatus());

    std::vector<v1::Recipient> found;
    RETURN_IF_ERROR(database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(found, store::ListRecipients(tx, token.empty() ? "" : token[0], page_size + 1));
      return absl::OkStatus();
    }));
    if (TakeSurplus(found, page_size)) {
      const std::string& name = found.back().name();
      response->set_next_page_token(rpc::MakePageToken(*request, {name.substr(name.rfind('/') + 1)}));
    }
    response->mutable_recipients()->Assign(found.begin(), found.end());
    return absl::OkStatus();
  });
}

}  // namespace section55::publication
