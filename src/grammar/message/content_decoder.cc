#include "grammar/message/content_decoder.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace godwit::message {
namespace {

constexpr std::uint8_t kNone = 64;

constexpr std::array<std::uint8_t, 256> make_alphabet() {
  std::array<std::uint8_t, 256> out{};
  out.fill(kNone);
  std::uint8_t value = 0;
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
    out[static_cast<unsigned char>(c)] = value++;
  return out;
}
constexpr auto kAlphabet = make_alphabet();

bool is_white(char c) { return c == ' ' || c == '\t'; }
bool is_space(char c) { return is_white(c) || c == '\r' || c == '\n'; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string without_comments(std::string_view value) {
  std::string out;
  std::size_t depth = 0;
  for (const char c : value) {
    if (c == '(') ++depth;
    if (depth == 0 && !is_space(c) && c != '"' && c != '\'' && c != ';') out.push_back(ascii_lower(c));
    if (c == ')' && depth > 0) --depth;
  }
  return out;
}

}  // namespace

std::string_view to_string(TransferEncoding encoding) {
  switch (encoding) {
    case TransferEncoding::seven_bit: return "7bit";
    case TransferEncoding::eight_bit: return "8bit";
    case TransferEncoding::binary: return "binary";
    case TransferEncoding::quoted_printable: return "quoted-printable";
    case TransferEncoding::base64: return "base64";
    case TransferEncoding::unknown: break;
  }
  return {};
}

TransferEncoding parse_transfer_encoding(std::string_view value) {
  const std::string name = without_comments(value);
  if (name.empty() || name == "7bit" || name == "7-bit") return TransferEncoding::seven_bit;
  if (name == "8bit" || name == "8-bit") return TransferEncoding::eight_bit;
  if (name == "binary") return TransferEncoding::binary;
  if (name == "quoted-printable") return TransferEncoding::quoted_printable;
  if (name == "base64") return TransferEncoding::base64;
  return TransferEncoding::unknown;
}

void Base64Decoder::end_quantum(std::string& out) {
  if (count_ == 1) damaged_ = true;
  if (count_ == 2) out.push_back(static_cast<char>(bits_ >> 4));
  if (count_ == 3) {
    out.push_back(static_cast<char>(bits_ >> 10));
    out.push_back(static_cast<char>(bits_ >> 2));
  }
  bits_ = 0;
  count_ = 0;
}

void Base64Decoder::feed(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto value = kAlphabet[static_cast<unsigned char>(c)];
    if (value == kNone) {
      if (c == '=')
        end_quantum(out);
      else if (!is_space(c))
        damaged_ = true;
      continue;
    }
    bits_ = bits_ << 6 | value;
    if (++count_ < 4) continue;
    out.push_back(static_cast<char>(bits_ >> 16));
    out.push_back(static_cast<char>(bits_ >> 8));
    out.push_back(static_cast<char>(bits_));
    bits_ = 0;
    count_ = 0;
  }
}

void Base64Decoder::finish(std::string& out) {
  if (count_ != 0) damaged_ = true;
  end_quantum(out);
}

bool QuotedPrintableDecoder::literal(std::string& out) {
  damaged_ = true;
  out += held_;
  held_.clear();
  state_ = State::text;
  return false;
}

bool QuotedPrintableDecoder::step_text(char c, std::string& out) {
  if (is_white(c)) {
    if (held_.size() == kMaxWhite) {
      out += held_;
      held_.clear();
    }
    held_.push_back(c);
    return true;
  }
  if (c == '\r') {
    state_ = State::white_cr;
    return true;
  }
  if (c != '\n') out += held_;  // RFC 2045 6.7 (3): white space at the end of a line is a gateway's
  held_.clear();
  if (c == '=') {
    held_ = "=";
    state_ = State::equals;
  } else {
    out.push_back(c);
  }
  return true;
}

bool QuotedPrintableDecoder::step_equals(char c, std::string& out) {
  if (state_ == State::equals && hex_value(c) >= 0) {
    held_.push_back(c);
    state_ = State::hex;
    return true;
  }
  if (c == '\n') {
    held_.clear();
    state_ = State::text;
    return true;
  }
  if (c == '\r') {
    state_ = State::soft_cr;
    return true;
  }
  if (!is_white(c) || held_.size() > kMaxWhite) return literal(out);
  held_.push_back(c);
  state_ = State::soft_white;
  return true;
}

bool QuotedPrintableDecoder::step(char c, std::string& out) {
  switch (state_) {
    case State::text: return step_text(c, out);
    case State::white_cr:
      state_ = State::text;
      if (c != '\n') out += held_;
      held_.clear();
      out.push_back('\r');
      return false;
    case State::equals:
    case State::soft_white: return step_equals(c, out);
    case State::hex:
      if (hex_value(c) < 0) return literal(out);
      out.push_back(static_cast<char>(hex_value(held_[1]) * 16 + hex_value(c)));
      held_.clear();
      state_ = State::text;
      return true;
    case State::soft_cr:
      if (c != '\n') {
        held_.push_back('\r');
        return literal(out);
      }
      held_.clear();
      state_ = State::text;
      return true;
  }
  return true;
}

void QuotedPrintableDecoder::feed(std::string_view text, std::string& out) {
  while (!text.empty()) {
    if (state_ == State::text && held_.empty()) {
      const auto plain = std::min(text.find_first_of("= \t\r"), text.size());
      out += text.substr(0, plain);
      text.remove_prefix(plain);
      if (text.empty()) return;
    }
    if (step(text[0], out)) text.remove_prefix(1);
  }
}

void QuotedPrintableDecoder::finish(std::string& out) {
  if (state_ == State::hex) literal(out);
  if (state_ == State::white_cr) out += held_ + "\r";
  held_.clear();  // white space or a soft break before the end: the line's end belongs to the boundary
  state_ = State::text;
}

ContentDecoder::ContentDecoder(TransferEncoding encoding) {
  if (encoding == TransferEncoding::base64) decoder_ = Base64Decoder();
  if (encoding == TransferEncoding::quoted_printable) decoder_ = QuotedPrintableDecoder();
}

void ContentDecoder::feed(std::string_view bytes, std::string& out) {
  if (auto* base64 = std::get_if<Base64Decoder>(&decoder_))
    base64->feed(bytes, out);
  else if (auto* quoted = std::get_if<QuotedPrintableDecoder>(&decoder_))
    quoted->feed(bytes, out);
  else
    out += bytes;
}

void ContentDecoder::finish(std::string& out) {
  if (auto* base64 = std::get_if<Base64Decoder>(&decoder_)) base64->finish(out);
  if (auto* quoted = std::get_if<QuotedPrintableDecoder>(&decoder_)) quoted->finish(out);
}

bool ContentDecoder::damaged() const {
  if (const auto* base64 = std::get_if<Base64Decoder>(&decoder_)) return base64->damaged();
  if (const auto* quoted = std::get_if<QuotedPrintableDecoder>(&decoder_)) return quoted->damaged();
  return false;
}

}  // namespace godwit::message
