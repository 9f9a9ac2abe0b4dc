#pragma once
// The texts of reports as an operator writes them: header lines, an empty line, a body. docs/operator/reports.md describes the language.
//
//   Subject: Not delivered: {address} ({reason})
//                                                      (an empty line)
//   # a comment
//   {message} could not be delivered:                  placeholders
//   {each}                                             ... {end}: for each recipient
//       [The server {server} said: {said}]             left out where one of its placeholders is empty
//   {if several} ... {end}, {if not several} ... {end}
//   {{ and [[ stand for themselves
//
// A line keeps its indentation and is broken at 76 columns; a line that has placeholders or brackets and comes to nothing is left out.
// Pure values; any thread. Rendering is bounded by the template and the values.

#include <cstddef>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::dsn {

struct TemplateProblem {
  unsigned line = 0;  // from 1; 0: of the file as a whole
  std::string text;   // what is wrong, and the mend
};

using Values = std::map<std::string_view, std::string>;

// What may stand in a file.
struct Vocabulary {
  std::vector<std::string_view> headers;       // the first is required
  std::vector<std::string_view> placeholders;  // everywhere
  std::vector<std::string_view> of_each;       // within {each} too; empty: there is no {each}
};

class Template {
 public:
  static constexpr std::size_t kMaxFile = 64 * 1024;
  static constexpr std::size_t kMaxLine = 1'000;

  static std::expected<Template, TemplateProblem> parse(std::string_view text, const Vocabulary& vocabulary);

  // A header line's text filled in, as one line; "" if the file does not have it.
  std::string header(std::string_view name, const Values& values) const;
  bool has_header(std::string_view name) const { return headers_.contains(name); }
  // The body, CRLF line ends. `each`: the values of {each}, beside the common ones. `raw`: a placeholder alone on its line that stands
  // for text which is complete already, as {reports}; it comes in as it is.
  std::string body(const Values& values, const std::vector<Values>& each, std::string_view raw_name = {}, std::string_view raw = {}) const;

 private:
  // A line is pieces: text, a placeholder, or a bracket with pieces in it.
  struct Piece {
    enum class Kind : unsigned char { text, placeholder, optional };
    Kind kind = Kind::text;
    std::string text;
    std::vector<Piece> inside;
  };
  struct Node {
    enum class Kind : unsigned char { line, condition, each };
    Kind kind = Kind::line;
    std::string indent;
    std::vector<Piece> pieces;
    std::string name;  // of a condition
    bool negated = false;
    std::vector<Node> inside;
  };
  class Parser;
  struct Run;

  std::map<std::string, std::vector<Piece>, std::less<>> headers_;
  std::vector<Node> nodes_;
};

}  // namespace godwit::dsn
