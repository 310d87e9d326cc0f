// What of a response is shown to whom. Every view is built from what may be shown, field by field: a field that is added to Response later
// is shown to nobody but the body's own people until it is named here. Pure functions.
#pragma once

#include "section55/authoring/v1/response.pb.h"

namespace section55::authoring::views {

// RESPONSE_VIEW_BASIC: without texts, and without the report and the etag, which are not stored with it.
v1::Response Basic(const v1::Response& response);

// The response as the people of the body's force see it: what they were asked and what they said; what the body wrote only once it is
// published. Unknown fields, in whatever depth, are dropped. The etag is the response's own, so that their changes can bear it.
v1::Response ForForce(const v1::Response& response);

// What everybody may know of it: what it answers, and its exemption while it is EXEMPT, without the names of people.
v1::Response ForEverybody(const v1::Response& response);

}  // namespace section55::authoring::views
