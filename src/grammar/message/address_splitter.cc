#include "grammar/message/address_splitter.h"

#include <algorithm>

#include "base/bytes.h"
#include "grammar/message/address.h"

namespace godwit::message {
namespace {

constexpr auto kEnd = std::string_view::npos;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0'; }

std::string_view stripped(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// What a broken name means: without comments and quotes, white space collapsed.
std::string plain(std::string_view text) {
  std::string out;
  std::size_t depth = 0;
  bool space = false;
  const auto last_close = text.rfind(')');
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\\' && i + 1 < text.size())
      c = text[++i];
    else if (c == '(' && last_close != kEnd && i < last_close)
      ++depth;
    else if (c == ')' && depth > 0) {
      --depth;
      continue;
    } else if (c == '"') {
      continue;
    }
    if (depth > 0) continue;
    if (is_space(c)) {
      space = true;
      continue;
    }
    if (space && !out.empty()) out.push_back(' ');
    space = false;
    out.push_back(c);
  }
  return out;
}

// RFC 5322 cannot read it: what stands in < > is the address, else the whole; the last @ divides it.
EnvelopeAddress guess(std::string_view text) {
  EnvelopeAddress out;
  auto address = text;
  const auto open = text.rfind('<');
  if (open != kEnd) {
    const auto close = text.find('>', open);
    out.name = plain(text.substr(0, open));
    address = text.substr(open + 1, close == kEnd ? close : close - open - 1);
  }
  const std::string spec = plain(address);
  const auto at = spec.rfind('@');
  if (at != std::string::npos) {
    out.mailbox = stripped(std::string_view(spec).substr(0, at));
    out.host = stripped(std::string_view(spec).substr(at + 1));
  } else if (open == kEnd && spec.contains(' ')) {
    out.name = spec;  // a name and nothing else
  } else {
    out.mailbox = spec;
  }
  return out;
}

}  // namespace

void AddressSplitter::add(EnvelopeAddress address) {
  if (out_.size() < kMaxEnvelopeAddresses) out_.push_back(std::move(address));
}

void AddressSplitter::end_entry() {
  const auto text = stripped(text_.substr(begin_, position_ - begin_));
  begin_ = position_ + 1;
  angle_ = route_ = false;
  if (text.empty()) return;
  const auto list = parse_address_list(text);
  if (!list || list->has_group || list->mailboxes.size() > 1) return add(guess(text));
  if (list->mailboxes.empty()) return;  // comments alone
  const Mailbox& mailbox = list->mailboxes.front();
  add({EnvelopeAddress::Kind::mailbox, mailbox.display_name, mailbox.route, mailbox.local, mailbox.domain});
}

void AddressSplitter::begin_group() {
  end_group();  // RFC 5322 3.4: no group in a group; the one before was not closed
  EnvelopeAddress group;
  group.kind = EnvelopeAddress::Kind::group_begin;
  group.mailbox = plain(text_.substr(begin_, position_ - begin_));
  begin_ = position_ + 1;
  if (out_.size() + 2 > kMaxEnvelopeAddresses) return;
  out_.push_back(std::move(group));
  in_group_ = true;
}

void AddressSplitter::end_group() {
  if (!in_group_) return;
  in_group_ = false;
  if (out_.size() == kMaxEnvelopeAddresses) out_.pop_back();
  EnvelopeAddress end;
  end.kind = EnvelopeAddress::Kind::group_end;
  out_.push_back(std::move(end));
}

void AddressSplitter::skip_quoted() {
  for (std::size_t i = position_ + 1; i < text_.size(); ++i) {
    if (text_[i] == '\\') {
      ++i;
    } else if (text_[i] == '"') {
      position_ = i;
      return;
    }
  }
  quotes_ = false;
}

void AddressSplitter::skip_comment() {
  std::size_t depth = 0;
  for (std::size_t i = position_; i < text_.size(); ++i) {
    if (text_[i] == '\\')
      ++i;
    else if (text_[i] == '(')
      ++depth;
    else if (text_[i] == ')' && --depth == 0) {
      position_ = i;
      return;
    }
  }
  comments_ = false;
}

// [IPv6:::1] holds colons. What has commas or no end is none.
void AddressSplitter::skip_literal() {
  for (std::size_t i = position_ + 1; i < text_.size() && i < position_ + 256; ++i) {
    const char c = text_[i];
    if (c == '[' || c == ',' || c == ';' || c == '<' || c == '>' || c == '@') return;
    if (c == ']') {
      position_ = i;
      return;
    }
  }
}

void AddressSplitter::special(char c) {
  if (c == '<') {
    angle_ = true;
    const auto first = text_.find_first_not_of(" \t\r\n", position_ + 1);
    route_ = first != kEnd && text_[first] == '@';
  } else if (c == '>') {
    angle_ = route_ = false;
  } else if (c == ':') {
    route_ = false;
    if (!angle_) begin_group();
  } else if (c == ',' && !route_) {
    end_entry();
  } else if (c == ';' && !angle_) {
    end_entry();
    end_group();
  }
}

void AddressSplitter::step(char c) {
  switch (c) {
    case '\\': ++position_; break;
    case '"':
      if (quotes_) skip_quoted();
      break;
    case '(':
      if (comments_) skip_comment();
      break;
    case '[': skip_literal(); break;
    default: special(c); break;
  }
}

std::vector<EnvelopeAddress> AddressSplitter::run() {
  for (; position_ < text_.size() && out_.size() < kMaxEnvelopeAddresses; ++position_) step(text_[position_]);
  position_ = text_.size();
  if (out_.size() < kMaxEnvelopeAddresses) end_entry();
  end_group();
  return std::move(out_);
}

}  // namespace godwit::message
