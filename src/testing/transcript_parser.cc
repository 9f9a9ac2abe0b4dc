#include <fmt/format.h>

#include "base/bytes.h"
#include "base/encoding.h"
#include "testing/transcript.h"

namespace godwit::testing {
namespace {

using Kind = TranscriptStep::Kind;

Error at_line(std::size_t line, std::string_view what) {
  return Error::permanent(Error::Cause::syntax, fmt::format("line {}: {}", line, what));
}

// One escape after its backslash; `at` stands behind it afterwards.
Result<std::string> unescape_one(std::string_view text, std::size_t& at) {
  const char c = at < text.size() ? text[at++] : '\0';
  switch (c) {
    case 'r': return "\r";
    case 'n': return "\n";
    case 't': return "\t";
    case '0': return std::string(1, '\0');
    case '\\': return "\\";
    case 'x': {
      GODWIT_ASSIGN(std::string byte, hex_decode(text.substr(at, 2)));
      if (byte.size() != 1) break;
      at += 2;
      return byte;
    }
    case '{': {  // \{5000:text}: the text so many times
      const std::size_t colon = text.find(':', at);
      const std::size_t end = text.find('}', at);
      if (colon == std::string_view::npos || end == std::string_view::npos || colon > end) break;
      std::size_t times = 0;
      for (const char digit : text.substr(at, colon - at)) times = times * 10 + static_cast<std::size_t>(digit - '0');
      std::string out;
      for (; times > 0; --times) out += text.substr(colon + 1, end - colon - 1);
      at = end + 1;
      return out;
    }
    default: break;
  }
  return fail(Error::syntax("no such escape; there are \\r \\n \\t \\0 \\\\ \\xNN \\{times:text}", at));
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '\\') {
      out += text[at++];
      continue;
    }
    ++at;
    GODWIT_ASSIGN(const std::string piece, unescape_one(text, at));
    out += piece;
  }
  return out;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  while (!(text = trim(text)).empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

struct Parser {
  std::vector<TranscriptStep> steps;
  std::size_t number = 0;

  Result<void> add_line(std::string_view line) {
    if (trim(line).empty() || line.starts_with('#')) return {};
    if (line.starts_with('!')) return add_directive(line.substr(1));
    if (line.size() < 2) return fail(at_line(number, "expected C:, C\\, S:, S~, B:, B\\, ! or #"));
    std::string_view rest = line.substr(2);
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    const std::string_view mark = line.substr(0, 2);
    if (mark == "S:") return add(Kind::expect, std::string(rest));
    if (mark == "S~") return add(Kind::expect_pattern, std::string(rest));
    const bool escaped = mark[1] == '\\';
    const bool known = (mark[0] == 'C' || mark[0] == 'B') && (mark[1] == ':' || escaped);
    if (!known) return fail(at_line(number, "expected C:, C\\, S:, S~, B:, B\\, ! or #"));
    std::string bytes(rest);
    if (escaped) {
      auto raw = unescape(rest);
      if (!raw) return fail(at_line(number, raw.error().text));
      bytes = *std::move(raw);
    } else {
      bytes += "\r\n";
    }
    if (mark[0] == 'C') return add(Kind::send, std::move(bytes));
    if (steps.empty() || steps.back().kind != Kind::directive) return fail(at_line(number, "a B line belongs under a directive"));
    steps.back().body += bytes;
    return {};
  }

  Result<void> add_directive(std::string_view text) {
    GODWIT_TRY(add(Kind::directive, std::string(trim(text))));
    steps.back().arguments = split_words(text);
    if (steps.back().arguments.empty()) return fail(at_line(number, "a directive without a name"));
    return {};
  }

  Result<void> add(Kind kind, std::string text) {
    steps.push_back({kind, number, std::move(text), {}, {}});
    return {};
  }
};

}  // namespace

Result<std::vector<TranscriptStep>> parse_transcript(std::string_view text) {
  Parser parser;
  while (!text.empty()) {
    ++parser.number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    GODWIT_TRY(parser.add_line(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(parser.steps);
}

}  // namespace godwit::testing
