#pragma once
// What a person reads of a report: the Subject and the first part, out of the templates of texts.h. UTF-8, CRLF, lines of 76 columns where
// words allow it.

#include <string>
#include <string_view>

#include "grammar/dsn/report.h"

namespace godwit::dsn {

struct HumanPart {
  std::string language;
  std::string subject;
  std::string text;
};

HumanPart human_part(const Input& input, std::string_view headers);

}  // namespace godwit::dsn
