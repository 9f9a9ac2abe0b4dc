#include "frontend/imapd/message_text.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/bytes.h"
#include "grammar/message/charset.h"
#include "grammar/message/content_decoder.h"
#include "state/mailbox/message_bytes.h"

namespace godwit::imapd {
namespace {

constexpr std::size_t kWindow = 64 * 1024;
constexpr std::size_t kLeast = 1024;  // bytes that are looked at together, however many needles there are

// Without a way out of the loop, so that it takes many bytes at a time.
bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

// Charsets in which bytes below 128 are ASCII wherever they stand, so that plain text needs no converter.
bool is_ascii_superset(std::string_view charset) {
  static constexpr auto kPrefixes = std::to_array<std::string_view>({"iso-8859-", "windows-125", "koi8-"});
  const std::string name = ascii_lower(charset);
  if (name.empty() || name == "us-ascii" || name == "ascii" || name == "utf-8" || name == "utf8") return true;
  return std::ranges::any_of(kPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// Bytes of a part, decoded, to UTF-8.
class PartDecoder {
 public:
  explicit PartDecoder(const message::Part& part) : identity_(message::is_identity(part.encoding)), content_(part.encoding) {
    charset_ = message::find_parameter(part.type.parameters, "charset").value_or("");
    plain_ = is_ascii_superset(charset_);
  }

  // Good until the next call, and no longer than `bytes`.
  std::string_view feed(std::string_view bytes) {
    if (identity_) return to_utf8(bytes);
    decoded_.clear();
    content_.feed(bytes, decoded_);
    return to_utf8(decoded_);
  }
  std::string_view finish() {
    decoded_.clear();
    if (!identity_) content_.finish(decoded_);
    std::string_view last = to_utf8(decoded_);
    if (!converter_) return last;
    if (last.data() != text_.data()) text_.assign(last);
    converter_->finish(text_);
    return text_;
  }

 private:
  std::string_view to_utf8(std::string_view bytes) {
    if (!converter_ && plain_ && is_ascii(bytes)) return bytes;
    if (!converter_) converter_.emplace(charset_.empty() ? std::string_view("UTF-8") : std::string_view(charset_));
    text_.clear();
    converter_->feed(bytes, text_);
    return text_;
  }

  bool identity_;
  message::ContentDecoder content_;
  std::string charset_;
  bool plain_ = false;
  std::optional<message::CharsetDecoder> converter_;  // from the first byte on that is no ASCII
  std::string decoded_;
  std::string text_;
};

// Cuts a header into fields. Lines that are none are passed over, as everywhere in grammar/message.
class FieldSplitter {
 public:
  explicit FieldSplitter(TextReader& reader) : reader_(reader) {}

  // False: the header is over, or the reader has seen enough.
  bool feed(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t newline = bytes.find('\n');
      keep(bytes.substr(0, newline));
      if (newline == std::string_view::npos) return true;
      bytes.remove_prefix(newline + 1);
      if (!end_line()) return false;
    }
    return true;
  }
  void finish() {
    if (over_) return;
    if (!line_.empty()) end_line();
    if (!over_) hand_over();
  }

 private:
  void keep(std::string_view bytes) {
    if (line_.size() < kMaxFieldText) line_.append(bytes.substr(0, kMaxFieldText - line_.size()));
  }

  bool end_line() {
    if (line_.ends_with('\r')) line_.pop_back();
    if (line_.empty()) {
      const bool go_on = hand_over();
      over_ = true;
      return go_on && false;
    }
    const bool folded = line_.front() == ' ' || line_.front() == '\t';
    bool go_on = true;
    if (folded) {
      if (in_field_ && value_.size() < kMaxFieldText) value_.append(line_.substr(0, kMaxFieldText - value_.size()));
    } else {
      go_on = hand_over();
      begin_field();
    }
    line_.clear();
    if (!go_on) over_ = true;
    return go_on;
  }

  void begin_field() {
    const std::size_t colon = line_.find(':');
    if (colon == std::string::npos) return;
    std::string_view name = std::string_view(line_).substr(0, colon);
    while (name.ends_with(' ') || name.ends_with('\t')) name.remove_suffix(1);  // RFC 5322 4.5.8
    in_field_ = !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f'; });
    if (!in_field_) return;
    name_ = ascii_lower(name);
    value_ = line_.substr(colon + 1);
  }

  bool hand_over() {
    if (!in_field_) return true;
    in_field_ = false;
    return reader_.field(name_, value_);
  }

  TextReader& reader_;
  std::string line_;
  std::string name_;
  std::string value_;
  bool in_field_ = false;
  bool over_ = false;
};

}  // namespace

Task<Result<void>> SearchPace::rest() {
  done_ = 0;
  co_await yield_loop();
  if (stop_ && stop_()) co_return fail(Error::temporary(Error::Cause::cancelled, "nobody waits for the search any more"));
  co_return Result<void>{};
}

Task<Result<std::string_view>> MessageText::window(std::uint64_t offset, std::uint64_t end) {
  if (offset < begin_ || offset >= begin_ + bytes_.size()) {
    GODWIT_CO_ASSIGN(bytes_, co_await mailbox::read_bytes(blobs_, email_, offset, kWindow));
    begin_ = offset;
    if (bytes_.empty()) co_return fail(Error::permanent(Error::Cause::corrupt, "the message is shorter than it should be"));
  }
  const std::uint64_t stop = std::min(end, begin_ + bytes_.size());
  co_return std::string_view(bytes_).substr(offset - begin_, stop - offset);
}

Task<Result<void>> MessageText::read_header(std::uint64_t begin, std::uint64_t end, TextReader& reader) {
  FieldSplitter fields(reader);
  for (std::uint64_t offset = begin; offset < end;) {
    GODWIT_CO_ASSIGN(const std::string_view piece, co_await window(offset, end));
    const std::string_view some = piece.substr(0, std::clamp<std::size_t>(kWorkAtOnce / reader.weight(), 256, 4096));
    if (!fields.feed(some)) co_return Result<void>{};
    offset += some.size();
    pace_.did(some.size() * reader.weight());
    if (pace_.tired()) GODWIT_CO_TRY(co_await pace_.rest());
  }
  fields.finish();
  co_return Result<void>{};
}

Task<Result<void>> MessageText::read_part(const message::Part& part, TextReader& reader) {
  PartDecoder decoder(part);
  if (!reader.begin_part()) co_return Result<void>{};
  for (std::uint64_t offset = part.body_begin; offset < part.body_end;) {
    GODWIT_CO_ASSIGN(const std::string_view whole, co_await window(offset, part.body_end));
    const std::string_view piece = whole.substr(0, std::max(kLeast, kWorkAtOnce / reader.weight()));
    offset += piece.size();
    if (!reader.text(decoder.feed(piece))) co_return Result<void>{};
    pace_.did(piece.size() * reader.weight());
    if (pace_.tired()) GODWIT_CO_TRY(co_await pace_.rest());
  }
  ignore(reader.text(decoder.finish()), "the part is over");
  co_return Result<void>{};
}

bool is_text(const message::Part& part) {
  if (part.kind != message::Part::Kind::leaf) return false;
  return part.type.type == "text" || part.type.type == "message" || part.opaque();
}

}  // namespace godwit::imapd
