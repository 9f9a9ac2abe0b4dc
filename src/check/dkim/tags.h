#pragma once
// The grammar of tag lists, "v=1; a=rsa-sha256; ...", which signatures and key records share (RFC 6376 3.2), and of the kinds
// of values in them. Pure functions, linear in time; any thread. Errors are `syntax`, with the position of the offending byte.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::dkim {

struct Tag {
  std::string_view name;
  std::string_view value;  // without the white space around it; inside, white space and folds as they came
  // The value with all white space around it is text[begin, end): behind the "=" up to the ";" or the end of the text.
  // RFC 6376 3.7: what is deleted of b=
  std::size_t begin = 0;
  std::size_t end = 0;
};

class TagList {
 public:
  static constexpr std::size_t kMaxTags = 100;

  // `text` is all of a field's body or of a record, and outlives the list, which points into it. White space behind the last ";" is
  // taken; a list with two tags of one name is refused, and so are control characters and line ends that fold nothing.
  static godwit::Result<TagList> parse(std::string_view text);

  const Tag* find(std::string_view name) const;  // names are compared exactly; null: there is none
  const std::vector<Tag>& tags() const { return tags_; }

 private:
  std::vector<Tag> tags_;
};

// RFC 6376 2.8: FWS; in a parsed value every such byte is part of one.
bool is_folding_white_space(char c);
std::string without_white_space(std::string_view value);

// "a : b:c" into its elements, without the white space around them. An empty element is an error.
godwit::Result<std::vector<std::string_view>> split_list(std::string_view value);

// RFC 6376 2.10 base64string: white space anywhere, padding may be left out. Not empty.
godwit::Result<std::string> decode_base64(std::string_view value);

// RFC 6376 2.11: white space is no part of it; "=XX" with upper-case digits is a byte.
godwit::Result<std::string> decode_quoted_printable(std::string_view value);

// 1*max_digits DIGIT; what does not fit into 64 bits is the largest number that does (RFC 6376 3.5, l=: "test for overflow").
std::optional<std::uint64_t> parse_number(std::string_view value, std::size_t max_digits);

bool is_hyphenated_word(std::string_view word);  // RFC 6376 2.10

}  // namespace godwit::dkim
