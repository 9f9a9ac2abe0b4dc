#pragma once
// What a server says, as its client reads it: whole responses, their words, lists and codes. For the model test alone.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace godwit::imapd::model {

struct Value {
  std::string text;  // of an atom or a string
  bool is_list = false;
  std::vector<Value> items;
};

struct Response {
  enum class Kind : std::uint8_t { go_ahead, untagged, tagged };
  Kind kind = Kind::untagged;
  std::string tag;
  std::uint32_t number = 0;   // "* 5 EXISTS"
  std::string word;           // "EXISTS", "OK"
  std::string code;           // of a status response, without the brackets: "APPENDUID 7 3:4"
  std::vector<Value> values;  // behind the word, of all others
};

inline std::uint64_t number_of(std::string_view text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// "1:3,7" as 1 2 3 7.
inline std::vector<std::uint32_t> numbers_of(std::string_view set) {
  std::vector<std::uint32_t> out;
  while (!set.empty()) {
    const auto part = set.substr(0, set.find(','));
    set.remove_prefix(std::min(set.size(), part.size() + 1));
    const auto colon = part.find(':');
    const auto first = number_of(part.substr(0, colon));
    const auto last = colon == std::string_view::npos ? first : number_of(part.substr(colon + 1));
    for (auto number = first; number <= last; ++number) out.push_back(static_cast<std::uint32_t>(number));
  }
  return out;
}

// The other way round.
inline std::string set_of(const std::vector<std::uint32_t>& numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!out.empty()) out += ',';
    out += std::to_string(numbers[i]);
    if (last > i) out += ':' + std::to_string(numbers[last]);
    i = last + 1;
  }
  return out;
}

// What stands in front of the first blank, which goes too.
inline std::string_view take_word(std::string_view& text) {
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

// The size of the literal that a line ends with.
inline std::optional<std::size_t> literal_behind(std::string_view line) {
  const auto brace = line.rfind('{');
  if (brace == std::string_view::npos || line.back() != '}') return std::nullopt;
  const auto digits = line.substr(brace + 1, line.size() - brace - 2);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  return number_of(digits);
}

// Takes one whole response, its literals in it, from the front of `bytes`; nothing: more has to come.
inline std::optional<std::string> take_response(std::string& bytes) {
  std::size_t from = 0;
  for (;;) {
    const auto end = bytes.find("\r\n", from);
    if (end == std::string::npos) return std::nullopt;
    const auto literal = literal_behind(std::string_view(bytes).substr(from, end - from));
    from = end + 2;
    if (!literal) break;
    if (bytes.size() < from + *literal) return std::nullopt;
    from += *literal;
  }
  std::string out = bytes.substr(0, from - 2);
  bytes.erase(0, from);
  return out;
}

class ValueReader {
 public:
  explicit ValueReader(std::string_view text) : rest_(text) {}

  std::vector<Value> read() {
    std::vector<Value> out;
    while (!rest_.empty() && rest_.front() != ')') {
      if (rest_.front() == ' ')
        rest_.remove_prefix(1);
      else
        out.push_back(one());
    }
    return out;
  }

 private:
  Value one() {
    Value out;
    if (rest_.front() == '(') {
      rest_.remove_prefix(1);
      out.is_list = true;
      out.items = read();
      if (!rest_.empty()) rest_.remove_prefix(1);
    } else if (rest_.front() == '"') {
      out.text = quoted();
    } else if (rest_.front() == '{') {
      const auto end = rest_.find("}\r\n");
      const auto size = number_of(rest_.substr(1, end - 1));
      out.text = std::string(rest_.substr(end + 3, size));
      rest_.remove_prefix(end + 3 + size);
    } else {
      const auto atom = rest_.substr(0, rest_.find_first_of(" ()"));
      out.text = std::string(atom);
      rest_.remove_prefix(atom.size());
    }
    return out;
  }
  std::string quoted() {
    std::string out;
    std::size_t at = 1;
    for (; at < rest_.size() && rest_[at] != '"'; ++at) {
      if (rest_[at] == '\\') ++at;
      out += rest_[at];
    }
    rest_.remove_prefix(std::min(rest_.size(), at + 1));
    return out;
  }

  std::string_view rest_;
};

inline bool is_status(std::string_view word) { return word == "OK" || word == "NO" || word == "BAD" || word == "BYE"; }

inline Response parse_response(std::string_view text) {
  Response out;
  const auto first = take_word(text);
  if (first == "+") {
    out.kind = Response::Kind::go_ahead;
    return out;
  }
  if (first != "*") {
    out.kind = Response::Kind::tagged;
    out.tag = std::string(first);
  }
  out.word = std::string(take_word(text));
  if (!out.word.empty() && out.word.find_first_not_of("0123456789") == std::string::npos) {
    out.number = static_cast<std::uint32_t>(number_of(out.word));
    out.word = std::string(take_word(text));
  }
  if (!is_status(out.word)) {
    out.values = ValueReader(text).read();
  } else if (text.starts_with('[')) {
    out.code = std::string(text.substr(1, text.find(']') - 1));
  }
  return out;
}

// Whether the code is this one: "TRYCREATE", "APPENDUID 7 3".
inline bool has_code(std::string_view code, std::string_view name) {
  return code.starts_with(name) && (code.size() == name.size() || code[name.size()] == ' ');
}

}  // namespace godwit::imapd::model
