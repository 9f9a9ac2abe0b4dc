#pragma once
// The Authentication-Results header field (RFC 8601): read, written, and taken out where it claims to be ours. Pure; any thread.
//
// Reading is tolerant, for ARC sets carry what others wrote: values outside the grammar up to the next white space, a ";" at the
// end, properties without a type ("action=none"). Writing is strict: whatever the values hold, one well-formed field comes out.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::authres {

struct Property {
  std::string type;  // "smtp", "header", "body", "policy"; lower case; empty: written without one
  std::string name;  // "mailfrom"; lower case
  std::string value;
  bool operator==(const Property&) const = default;
};

struct MethodResult {
  std::string method;   // "dkim", lower case
  std::string version;  // of the method; mostly empty
  std::string result;   // "pass", lower case
  std::string comment;  // the first one behind the result, without its brackets
  std::string reason;
  std::vector<Property> properties{};
  bool operator==(const MethodResult&) const = default;

  void add(std::string_view dotted, std::string value);  // "header.d"; an empty value adds nothing
  // The first value of this property; empty if there is none. Both in lower case.
  std::string_view value(std::string_view type, std::string_view name) const;
};

struct Results {
  std::string authserv_id;
  std::string version;                // mostly empty, which is "1"
  std::vector<MethodResult> methods;  // none: "no authentication was done"
  bool operator==(const Results&) const = default;

  const MethodResult* find(std::string_view method) const;  // the first
};

inline constexpr std::size_t kMaxBytes = 64 * 1024;
inline constexpr std::size_t kMaxMethods = 200;
inline constexpr std::size_t kMaxProperties = 50;  // of one method
inline constexpr int kMaxCommentDepth = 20;

// `body`: what stands behind the field's colon, folded or not. `syntax` errors with the position; beyond the limits `limit`.
godwit::Result<Results> parse(std::string_view body);

// "id; dkim=pass header.d=example.org; ..." folded for a field whose name takes `column` bytes of the first line, with no line end
// behind it. Lines are at most 78 columns, unless one value is longer. Controls become "?"; methods and results that are no keywords are
// left out, and so are properties without a type.
std::string format_body(const Results& results, std::size_t column);
std::string format(const Results& results);  // "Authentication-Results: ...\r\n"

// RFC 8601 5: the field claims to be from `id`, compared without case. Read even more tolerantly than parse(): what a later reader
// might take for ours is ours.
bool is_from(std::string_view body, std::string_view id);

// RFC 8601 5: the header of a message (up to and with its empty line, or less) without the Authentication-Results fields that
// claim to be from `id`. Other bytes stay as they are. Lines end with CRLF or LF.
std::string strip(std::string_view header, std::string_view id);

}  // namespace godwit::authres
