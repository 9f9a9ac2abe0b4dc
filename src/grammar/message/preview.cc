#include "grammar/message/preview.h"

#include <algorithm>

#include "base/utf8.h"
#include "grammar/message/charset.h"
#include "grammar/message/html_text.h"

namespace godwit::message {
namespace {

constexpr std::size_t kPiece = 4'096;

bool is_white(std::uint32_t c) {
  return c == ' ' || is_control(c) || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
         c == 0x202f || c == 0x205f || c == 0x3000;
}

// What senders fill previews up with, and what turns the text around beyond its end.
bool is_invisible(std::uint32_t c) {
  return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e || c == 0x200b || c == 0x200e || c == 0x200f ||
         (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

// Text with its white space collapsed, up to kMaxPreview characters.
class Collapsed {
 public:
  bool full() const { return characters_ >= kMaxPreview; }
  bool empty() const { return characters_ == 0; }
  std::string take() { return std::move(text_); }

  void add(std::string_view utf8) {
    while (!utf8.empty() && !full()) {
      const auto length = utf8_length(utf8);
      if (length == 0) return;  // never: decoders give UTF-8
      add(utf8_code_point(utf8, length), utf8.substr(0, length));
      utf8.remove_prefix(length);
    }
  }
  void space() { space_ = !empty(); }

 private:
  void add(std::uint32_t c, std::string_view bytes) {
    if (is_white(c)) return space();
    if (is_invisible(c)) return;
    if (space_) {
      space_ = false;
      text_ += ' ';
      ++characters_;
      if (full()) return text_.pop_back();
    }
    text_ += bytes;
    ++characters_;
  }

  std::string text_;
  std::size_t characters_ = 0;
  bool space_ = false;
};

// Plain text by lines: own ones and quoted ones, up to the signature.
class PlainText {
 public:
  bool full() const { return own_.full(); }

  void feed(std::string_view utf8) {
    while (!utf8.empty() && !full()) {
      const auto newline = utf8.find_first_of("\r\n");
      line_ += utf8.substr(0, newline);
      if (newline == std::string_view::npos) break;
      utf8.remove_prefix(newline + 1);
      end_line();
    }
    if (line_.size() > kPiece) add();
  }

  std::string finish() {
    end_line();
    return own_.empty() ? quoted_.take() : own_.take();
  }

 private:
  void end_line() {
    if (!continued_ && (line_ == "-- " || line_ == "--")) {
      signature_ = true;
      line_.clear();
    }
    add();
    continued_ = false;
    own_.space();
    quoted_.space();
  }

  // The line, or of a long one what has come.
  void add() {
    std::string_view text = line_;
    if (!continued_) is_quoted_ = text.starts_with('>');
    if (is_quoted_ && !continued_) text.remove_prefix(std::min(text.find_first_not_of("> "), text.size()));
    if (is_quoted_ || signature_)
      quoted_.add(text);
    else
      own_.add(text);
    continued_ = true;
    line_.clear();
  }

  std::string line_;
  bool continued_ = false;  // the line's beginning has been dealt with
  bool is_quoted_ = false;
  bool signature_ = false;
  Collapsed own_;
  Collapsed quoted_;
};

class Html {
 public:
  bool full() const { return own_.full(); }
  void feed(std::string_view utf8) {
    out_.clear();
    reader_.feed(utf8, out_);
    take();
  }
  std::string finish() {
    out_.clear();
    reader_.finish(out_);
    take();
    return own_.empty() ? quoted_.take() : own_.take();
  }

 private:
  void take() {
    for (const auto& run : out_) (run.quoted ? quoted_ : own_).add(run.text);
  }

  HtmlText reader_;
  std::vector<HtmlText::Run> out_;
  Collapsed own_;
  Collapsed quoted_;
};

template <class Text>
std::string preview_of(const Part& part, std::string_view body) {
  Text text;
  ContentDecoder content(part.encoding);
  CharsetDecoder charset(find_parameter(part.type.parameters, "charset").value_or("utf-8"));
  std::string bytes;
  std::string utf8;
  for (std::size_t at = 0; at < body.size() && !text.full(); at += kPiece) {
    bytes.clear();
    utf8.clear();
    content.feed(body.substr(at, kPiece), bytes);
    charset.feed(bytes, utf8);
    text.feed(utf8);
  }
  bytes.clear();
  utf8.clear();
  content.finish(bytes);
  charset.feed(bytes, utf8);
  charset.finish(utf8);
  text.feed(utf8);
  return text.finish();
}

}  // namespace

std::vector<std::uint32_t> preview_parts(const Structure& structure) {
  std::vector<std::uint32_t> shown;
  std::vector<std::uint32_t> others;
  std::vector<bool> embedded(structure.parts.size());
  for (std::uint32_t i = 0; i < structure.parts.size() && shown.size() < kMaxPreviewParts; ++i) {
    const auto& part = structure.parts[i];
    embedded[i] = i > 0 && (part.is_message || embedded[part.parent]);
    const bool attached = part.disposition && part.disposition->type == "attachment";
    if (part.kind != Part::Kind::leaf || part.type.type != "text" || embedded[i] || attached || part.body_size() == 0) continue;
    const bool common = part.type.subtype == "plain" || part.type.subtype == "html";
    (common ? shown : others).push_back(i);
  }
  shown.insert(shown.end(), others.begin(), others.end());
  if (shown.size() > kMaxPreviewParts) shown.resize(kMaxPreviewParts);
  return shown;
}

std::string make_preview(const Part& part, std::string_view body) {
  body = body.substr(0, kMaxPreviewBytes);
  return part.type.subtype == "html" ? preview_of<Html>(part, body) : preview_of<PlainText>(part, body);
}

}  // namespace godwit::message
