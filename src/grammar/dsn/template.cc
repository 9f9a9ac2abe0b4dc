#include "grammar/dsn/template.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/utf8.h"
#include "grammar/dsn/wire_text.h"

namespace godwit::dsn {
namespace {

constexpr std::size_t kDeepest = 8;               // blocks within blocks
constexpr std::size_t kLongestParagraph = 8'000;  // a line with its values

bool knows(const std::vector<std::string_view>& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

std::string_view without_end(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  while (line.ends_with(' ')) line.remove_suffix(1);
  return line;
}

}  // namespace

class Template::Parser {
 public:
  using Failure = std::unexpected<TemplateProblem>;
  template <class T>
  using Parsed = std::expected<T, TemplateProblem>;

  Parser(std::string_view text, const Vocabulary& vocabulary) : rest_(text), words_(vocabulary) {}

  Parsed<Template> run() {
    if (rest_.size() > kMaxFile) return std::unexpected(TemplateProblem{0, fmt::format("is larger than {} bytes", kMaxFile)});
    if (auto read = read_headers(); !read) return std::unexpected(std::move(read).error());
    if (!out_.headers_.contains(words_.headers.front()))
      return std::unexpected(TemplateProblem{1, fmt::format("the line \"{}: ...\" is missing", words_.headers.front())});
    auto nodes = read_nodes(0, false);
    if (!nodes) return std::unexpected(std::move(nodes).error());
    out_.nodes_ = *std::move(nodes);
    return std::move(out_);
  }

 private:
  Failure wrong(std::string text) const { return Failure(TemplateProblem{number_, std::move(text)}); }

  // False: the end of the file. Comments are passed over.
  Parsed<bool> next() {
    do {
      if (rest_.empty()) return false;
      const std::size_t end = rest_.find('\n');
      line_ = without_end(rest_.substr(0, end));
      rest_.remove_prefix(std::min(rest_.size(), line_end(end)));
      ++number_;
      if (line_.size() > kMaxLine)
        return wrong(fmt::format("is longer than {} bytes; a line is broken by itself where it is sent", kMaxLine));
      if (!is_utf8(line_)) return wrong("is not UTF-8; save the file in that encoding");
      if (std::ranges::any_of(line_, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }))
        return wrong("has a control character or a tab; use spaces");
    } while (line_.starts_with('#'));
    return true;
  }
  static std::size_t line_end(std::size_t end) { return end == std::string_view::npos ? std::string_view::npos : end + 1; }

  Parsed<void> read_headers() {
    while (true) {
      auto more = next();
      if (!more) return std::unexpected(std::move(more).error());
      if (!*more || line_.empty()) return {};
      const std::size_t colon = line_.find(':');
      const std::string_view name = line_.substr(0, colon);
      if (colon == std::string_view::npos || !knows(words_.headers, name))
        return wrong(fmt::format("the file begins with lines such as \"{}: ...\" and then an empty line; there are: {}",
                                 words_.headers.front(), fmt::join(words_.headers, ", ")));
      auto pieces = read_pieces(trim(line_.substr(colon + 1)), false);
      if (!pieces) return std::unexpected(std::move(pieces).error());
      if (!out_.headers_.emplace(name, *std::move(pieces)).second) return wrong(fmt::format("\"{}:\" is there twice", name));
    }
  }

  // Up to the {end} of the block, or the end of the file at depth 0.
  Parsed<std::vector<Node>> read_nodes(std::size_t depth, bool in_each) {
    const unsigned begun = number_;
    std::vector<Node> nodes;
    while (true) {
      auto more = next();
      if (!more) return std::unexpected(std::move(more).error());
      if (!*more && depth == 0) return nodes;
      if (!*more) return Failure(TemplateProblem{begun, "the block that begins here has no {end}"});
      const std::string_view words = trim(line_);
      if (words == "{end}") {
        if (depth > 0) return nodes;
        return wrong("{end} ends nothing");
      }
      auto node = read_node(words, depth, in_each);
      if (!node) return std::unexpected(std::move(node).error());
      nodes.push_back(*std::move(node));
    }
  }

  Parsed<Node> read_node(std::string_view words, std::size_t depth, bool in_each) {
    Node node;
    const bool each = words == "{each}";
    if (!each && !(words.starts_with("{if ") && words.ends_with('}'))) {
      node.indent = std::string(line_.substr(0, std::min(line_.find_first_not_of(' '), std::size_t{40})));
      auto pieces = read_pieces(words, in_each);
      if (!pieces) return std::unexpected(std::move(pieces).error());
      node.pieces = *std::move(pieces);
      return node;
    }
    if (depth == kDeepest) return wrong(fmt::format("more than {} blocks within each other", kDeepest));
    if (each && (in_each || words_.of_each.empty())) return wrong("{each} has no meaning here");
    node.kind = each ? Node::Kind::each : Node::Kind::condition;
    if (!each) {
      std::string_view name = trim(words.substr(4, words.size() - 5));
      node.negated = name.starts_with("not ");
      if (node.negated) name = trim(name.substr(4));
      if (auto known = check_name(name, in_each); !known) return std::unexpected(std::move(known).error());
      node.name = std::string(name);
    }
    auto inside = read_nodes(depth + 1, in_each || each);
    if (!inside) return std::unexpected(std::move(inside).error());
    node.inside = *std::move(inside);
    return node;
  }

  Parsed<void> check_name(std::string_view name, bool in_each) const {
    if (knows(words_.placeholders, name) || (in_each && knows(words_.of_each, name))) return {};
    if (knows(words_.of_each, name)) return wrong(fmt::format("{{{}}} has a meaning between {{each}} and {{end}} alone", name));
    std::vector<std::string_view> all = words_.placeholders;
    if (in_each) all.insert(all.end(), words_.of_each.begin(), words_.of_each.end());
    return wrong(fmt::format("{{{}}} is not known; there are: {}", name.substr(0, 40), fmt::join(all, ", ")));
  }

  Parsed<std::vector<Piece>> read_pieces(std::string_view text, bool in_each) {
    std::vector<Piece> pieces;
    std::string plain;
    const auto flush = [&] {
      if (!plain.empty()) pieces.push_back({Piece::Kind::text, std::exchange(plain, {}), {}});
    };
    while (!text.empty()) {
      const char c = text.front();
      if (text.starts_with("{{") || text.starts_with("[[")) {
        plain += c;
        text.remove_prefix(2);
      } else if (c != '{' && c != '[') {
        plain += c;
        text.remove_prefix(1);
      } else {
        flush();
        const std::size_t end = text.find(c == '{' ? '}' : ']');
        if (end == std::string_view::npos)
          return wrong(fmt::format("a {} without its {}; write {}{} for the character itself", c, c == '{' ? '}' : ']', c, c));
        const std::string_view within = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        auto piece = c == '{' ? read_placeholder(within, in_each) : read_optional(within, in_each);
        if (!piece) return std::unexpected(std::move(piece).error());
        pieces.push_back(*std::move(piece));
      }
    }
    flush();
    return pieces;
  }

  Parsed<Piece> read_placeholder(std::string_view name, bool in_each) {
    if (auto known = check_name(name, in_each); !known) return std::unexpected(std::move(known).error());
    return Piece{Piece::Kind::placeholder, std::string(name), {}};
  }

  Parsed<Piece> read_optional(std::string_view text, bool in_each) {
    if (text.contains('[')) return wrong("brackets do not stand within brackets");
    auto inside = read_pieces(text, in_each);
    if (!inside) return std::unexpected(std::move(inside).error());
    return Piece{Piece::Kind::optional, {}, *std::move(inside)};
  }

  std::string_view rest_;
  const Vocabulary& words_;
  std::string_view line_;
  unsigned number_ = 0;
  Template out_;
};

std::expected<Template, TemplateProblem> Template::parse(std::string_view text, const Vocabulary& vocabulary) {
  return Parser(text, vocabulary).run();
}

struct Template::Run {
  const Values& common;
  const Values* own = nullptr;  // of the recipient, within {each}
  std::string_view raw_name;
  std::string_view raw;

  std::string_view value(std::string_view name) const {
    if (own != nullptr)
      if (const auto found = own->find(name); found != own->end()) return found->second;
    const auto found = common.find(name);
    return found == common.end() ? std::string_view() : std::string_view(found->second);
  }

  // False: a placeholder was empty.
  bool fill(std::string& out, const std::vector<Piece>& pieces) const {
    bool whole = true;
    for (const Piece& piece : pieces) {
      if (piece.kind == Piece::Kind::text) {
        out += piece.text;
      } else if (piece.kind == Piece::Kind::placeholder) {
        const std::string_view text = value(piece.text);
        whole = whole && !text.empty();
        out += text;
      } else if (std::string inside; fill(inside, piece.inside)) {
        out += inside;
      }
    }
    return whole;
  }

  void line(std::string& out, const Node& node) const {
    const bool plain = std::ranges::all_of(node.pieces, [](const Piece& piece) { return piece.kind == Piece::Kind::text; });
    if (node.pieces.size() == 1 && !plain && !raw_name.empty() && node.pieces[0].text == raw_name) {
      out += raw;
      return;
    }
    std::string text;
    fill(text, node.pieces);
    const std::string clean = one_line(text, kLongestParagraph, true);
    if (!clean.empty() || plain) append_wrapped(out, node.indent, clean);
  }

  void nodes(std::string& out, const std::vector<Node>& list, const std::vector<Values>& each) {
    for (const Node& node : list) {
      if (node.kind == Node::Kind::line) {
        line(out, node);
      } else if (node.kind == Node::Kind::condition) {
        if (value(node.name).empty() == node.negated) nodes(out, node.inside, each);
      } else {
        for (const Values& one : each) {
          own = &one;
          nodes(out, node.inside, {});
        }
        own = nullptr;
      }
    }
  }
};

std::string Template::header(std::string_view name, const Values& values) const {
  const auto found = headers_.find(name);
  if (found == headers_.end()) return {};
  std::string out;
  const Run run{values, nullptr, {}, {}};
  run.fill(out, found->second);
  return one_line(out, kLongestParagraph, true);
}

std::string Template::body(const Values& values, const std::vector<Values>& each, std::string_view raw_name, std::string_view raw) const {
  std::string out;
  Run run{values, nullptr, raw_name, raw};
  run.nodes(out, nodes_, each);
  return out;
}

}  // namespace godwit::dsn
