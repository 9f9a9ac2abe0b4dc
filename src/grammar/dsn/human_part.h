#pragma once
// What a person reads of a report: the Subject and the first part. UTF-8, CRLF, lines of 76 columns where words allow it.

#include <string>
#include <string_view>

#include "grammar/dsn/report.h"

namespace godwit::dsn {

std::string subject_text(const Input& input);
std::string human_text(const Input& input, std::string_view headers);

}  // namespace godwit::dsn
