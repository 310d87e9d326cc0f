// What stands in web/, compiled in.
#pragma once

#include <string_view>

namespace section55::publication::assets {

// The shell of every page.
extern const std::string_view kLayout;
// What stands in the shell: mustache templates.
extern const std::string_view kResponse;
extern const std::string_view kRegister;
extern const std::string_view kNotFound;
// The one stylesheet.
extern const std::string_view kStyle;

}  // namespace section55::publication::assets
