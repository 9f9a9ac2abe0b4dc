#include "grammar/imap/mailbox_name.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/utf8.h"
#include "grammar/imap/limits.h"

namespace godwit::imap {
namespace {

// RFC 3501 5.1.3: "," is used instead of "/"
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
constexpr std::string_view kInbox = "INBOX";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}
constexpr auto kValues = make_values();

Error impossible(std::string rule, std::size_t position) {
  return {Error::Kind::permanent, Error::Cause::denied, std::move(rule), position};
}

bool represents_itself(std::uint32_t unit) { return unit >= 0x20 && unit <= 0x7e; }
bool is_high_surrogate(std::uint32_t unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool is_low_surrogate(std::uint32_t unit) { return unit >= 0xdc00 && unit < 0xe000; }

// One "&...-": 16-bit units out of base64.
class ShiftedReader {
 public:
  explicit ShiftedReader(std::string& out) : out_(out) {}

  bool take(unsigned value) {
    bits_ = (bits_ << 6) | value;
    count_ += 6;
    if (count_ < 16) return true;
    count_ -= 16;
    const std::uint32_t unit = (bits_ >> count_) & 0xffff;
    bits_ &= (1u << count_) - 1;
    return take_unit(unit);
  }

  bool finish() const { return high_ == 0 && count_ < 6 && bits_ == 0; }

 private:
  bool take_unit(std::uint32_t unit) {
    if (high_ != 0) {
      if (!is_low_surrogate(unit)) return false;
      append_utf8(out_, 0x10000 + ((high_ - 0xd800) << 10) + (unit - 0xdc00));
      high_ = 0;
      return true;
    }
    if (is_high_surrogate(unit)) {
      high_ = unit;
      return true;
    }
    if (is_low_surrogate(unit) || represents_itself(unit)) return false;
    append_utf8(out_, unit);
    return true;
  }

  std::string& out_;
  std::uint32_t bits_ = 0;
  unsigned count_ = 0;
  std::uint32_t high_ = 0;
};

class ShiftedWriter {
 public:
  explicit ShiftedWriter(std::string& out) : out_(out) {}

  void put(std::uint32_t code_point) {
    if (code_point >= 0x10000) {
      put_unit(0xd800 + ((code_point - 0x10000) >> 10));
      put_unit(0xdc00 + ((code_point - 0x10000) & 0x3ff));
    } else {
      put_unit(code_point);
    }
  }

  void finish() {
    if (!open_) return;
    if (count_ > 0) out_ += kAlphabet[(bits_ << (6 - count_)) & 0x3f];
    out_ += '-';
    open_ = false;
    bits_ = 0;
    count_ = 0;
  }

 private:
  void put_unit(std::uint32_t unit) {
    if (!std::exchange(open_, true)) out_ += '&';
    bits_ = (bits_ << 16) | unit;
    for (count_ += 16; count_ >= 6;) {
      count_ -= 6;
      out_ += kAlphabet[(bits_ >> count_) & 0x3f];
    }
    bits_ &= (1u << count_) - 1;
  }

  std::string& out_;
  bool open_ = false;
  std::uint32_t bits_ = 0;
  unsigned count_ = 0;
};

void canonical_inbox(std::string& name) {
  if (name.size() > kInbox.size() && name[kInbox.size()] != kDelimiter) return;
  if (!ascii_iequals(std::string_view(name).substr(0, kInbox.size()), kInbox)) return;
  std::ranges::copy(kInbox, name.begin());
}

}  // namespace

Result<std::string> decode_utf7(std::string_view wire) {
  std::string out;
  bool after_shift = false;
  for (std::size_t at = 0; at < wire.size();) {
    const char c = wire[at];
    if (!represents_itself(static_cast<unsigned char>(c))) return fail(impossible("a mailbox name is written in modified UTF-7", at));
    if (c != '&') {
      out += c;
      ++at;
      after_shift = false;
      continue;
    }
    const std::size_t end = wire.find('-', at);
    if (end == std::string_view::npos) return fail(impossible("'&' in a mailbox name is written '&-'", at));
    if (end == at + 1) {
      out += '&';
      at = end + 1;
      after_shift = false;
      continue;
    }
    // RFC 3501 5.1.3: superfluous shifts are not permitted
    if (after_shift) return fail(impossible("two shifts of modified UTF-7 stand side by side", at));
    ShiftedReader shifted(out);
    for (std::size_t i = at + 1; i < end; ++i) {
      const int value = kValues[static_cast<unsigned char>(wire[i])];
      if (value < 0 || !shifted.take(static_cast<unsigned>(value))) return fail(impossible("this is not modified UTF-7", i));
    }
    if (!shifted.finish()) return fail(impossible("this is not modified UTF-7", end));
    at = end + 1;
    after_shift = true;
  }
  return out;
}

std::string encode_utf7(std::string_view name) {
  std::string out;
  ShiftedWriter shifted(out);
  while (!name.empty()) {
    const std::size_t length = std::max<std::size_t>(utf8_length(name), 1);
    const std::uint32_t code_point = utf8_code_point(name, length);
    name.remove_prefix(length);
    if (!represents_itself(code_point)) {
      shifted.put(code_point);
      continue;
    }
    shifted.finish();
    out += static_cast<char>(code_point);
    if (code_point == '&') out += '-';
  }
  shifted.finish();
  return out;
}

Result<std::string> read_mailbox_name(std::string_view wire, const Dialect& dialect) {
  if (wire.size() > 4 * kMaxMailboxName) return fail(impossible("the mailbox name is too long", 0));
  std::string name(wire);
  if (!dialect.utf8()) {
    GODWIT_ASSIGN(name, decode_utf7(wire));
  }
  if (name.size() > kMaxMailboxName) return fail(impossible("the mailbox name is too long", 0));
  for (std::size_t at = 0; at < name.size();) {
    const std::string_view rest = std::string_view(name).substr(at);
    const std::size_t length = utf8_length(rest);
    if (length == 0) return fail(impossible("a mailbox name is written in UTF-8", std::min(at, wire.size())));
    if (is_control(utf8_code_point(rest, length))) {
      return fail(impossible("a mailbox name holds no control characters", std::min(at, wire.size())));
    }
    at += length;
  }
  canonical_inbox(name);
  return name;
}

std::string write_mailbox_name(std::string_view name, const Dialect& dialect) {
  return dialect.utf8() ? std::string(name) : encode_utf7(name);
}

Result<std::string> check_new_mailbox(std::string_view name) {
  if (name.ends_with(kDelimiter)) name.remove_suffix(1);
  if (name.empty()) return fail(impossible("a mailbox needs a name", 0));
  if (name.size() > kMaxMailboxName) return fail(impossible("the mailbox name is too long", 0));
  if (const std::size_t at = name.find_first_of("%*"); at != std::string_view::npos) {
    return fail(impossible("a mailbox name holds no % and no *", at));
  }
  if (name.starts_with(kDelimiter) || name.ends_with(kDelimiter) || name.contains("//")) {
    return fail(impossible("a level of a mailbox name is empty", 0));
  }
  if (static_cast<std::size_t>(std::ranges::count(name, kDelimiter)) >= kMaxMailboxDepth) {
    return fail(impossible("a mailbox name has too many levels", 0));
  }
  std::string kept(name);
  canonical_inbox(kept);
  return kept;
}

bool is_inbox(std::string_view name) { return ascii_iequals(name, kInbox); }

}  // namespace godwit::imap
