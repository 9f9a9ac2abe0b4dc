#pragma once
// Content-Type (RFC 2045 5.1), Content-Disposition (RFC 2183 2), Content-Language (RFC 3282 2) and their parameters (RFC 2231). Pure
// functions on a field's body, folded or not; any thread.
//
// Tolerant, as real mail demands: values with specials or spaces and no quotes, quotes that never close, several ";" or none between
// parameters, comments wherever white space may be. Line ends and NUL are taken out. Linear in time; at most kMaxParameters are kept.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::message {

// RFC 2231 3: the pieces of "name*0", "name*1" are one parameter here.
struct Parameter {
  std::string name;       // lower case, without "*"
  std::string value;      // what is meant: unquoted; encoded words and 8-bit as they are
  bool extended = false;  // RFC 2231 4: the value is still charset'language'percent-encoded, and "name*" is what to call it in IMAP
  bool operator==(const Parameter&) const = default;
};

inline constexpr std::size_t kMaxParameters = 100;  // a field
inline constexpr std::size_t kMaxTypeName = 127;    // RFC 6838 4.2: of type, subtype and disposition; longer is none
inline constexpr std::size_t kMaxLanguages = 100;

struct ContentType {
  std::string type = "text";  // lower case
  std::string subtype = "plain";
  std::vector<Parameter> parameters;

  bool is(std::string_view a_type, std::string_view a_subtype) const { return type == a_type && subtype == a_subtype; }
  bool operator==(const ContentType&) const = default;
};

struct Disposition {
  std::string type;  // lower case: "attachment", "inline" ...
  std::vector<Parameter> parameters;
  bool operator==(const Disposition&) const = default;
};

// Null when there is no type/subtype: RFC 2045 5.2 says to take text/plain then.
std::optional<ContentType> parse_content_type(std::string_view value);
std::optional<Disposition> parse_disposition(std::string_view value);
std::vector<std::string> parse_languages(std::string_view value);  // tags as written

// A parameter's value as well-formed UTF-8: extended ones decoded, encoded words too (RFC 2047 5 (3) DEVIATES: it forbids them here,
// and half of all file names are written with them).
std::string decoded(const Parameter& parameter);
// The parameter of that name, decoded; the extended one if there are both.
std::optional<std::string> find_parameter(const std::vector<Parameter>& parameters, std::string_view name);

}  // namespace godwit::message
