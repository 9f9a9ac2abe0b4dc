#include "grammar/message/mime.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace godwit::message {
namespace {

std::size_t cost(const std::string& text) { return text.size(); }

std::size_t cost(const std::vector<Parameter>& parameters) {
  std::size_t out = parameters.size() * sizeof(Parameter);
  for (const auto& parameter : parameters) out += cost(parameter.name) + cost(parameter.value);
  return out;
}

std::size_t cost(const std::vector<EnvelopeAddress>& addresses) {
  std::size_t out = addresses.size() * sizeof(EnvelopeAddress);
  for (const auto& address : addresses) out += cost(address.name) + cost(address.route) + cost(address.mailbox) + cost(address.host);
  return out;
}

std::size_t cost(const Envelope& envelope) {
  std::size_t out = sizeof(Envelope);
  for (const auto* text : {&envelope.date, &envelope.subject, &envelope.in_reply_to, &envelope.message_id})
    out += text->value_or("").size();
  for (const auto* list : {&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc})
    out += cost(*list);
  return out;
}

bool holds_message(const ContentType& type) {
  return type.is("message", "rfc822") || type.is("message", "global");  // RFC 2046 5.2.1, RFC 6532 3.7
}

}  // namespace

MimeParser::MimeParser() { begin_part(0, true, 0); }

bool MimeParser::charge(std::size_t bytes) {
  if (kept_ + bytes > kMaxMimeText) return false;
  kept_ += bytes;
  return true;
}

void MimeParser::begin_part(std::uint32_t parent, bool is_message, std::uint64_t at) {
  const auto index = static_cast<std::uint32_t>(structure_.parts.size());
  Part part;
  part.parent = parent;
  part.is_message = is_message;
  part.header_begin = part.body_begin = part.body_end = at;
  if (index > 0) {
    part.depth = structure_.parts[parent].depth + 1;
    structure_.parts[parent].children.push_back(index);
  }
  if (index + 1 == kMaxMimeParts) {
    part.limit = structure_.limited = rest_ = true;
    look_for_boundaries();
  }
  structure_.parts.push_back(std::move(part));
  open_.push_back({index, {}, lines_, lines_});
  fields_.begin(is_message);
  in_header_ = !rest_;
}

void MimeParser::read_fields(Part& part) {
  fields_.end();
  const auto text = [&](Field field, std::string& out) {
    if (charge(fields_[field].text.size()))
      out = fields_[field].text;
    else
      part.header_cut = true;
  };
  text(Field::encoding, part.encoding_name);
  text(Field::id, part.id);
  text(Field::description, part.description);
  text(Field::location, part.location);
  text(Field::md5, part.md5);
  part.encoding = parse_transfer_encoding(part.encoding_name);
  if (auto type = parse_content_type(fields_[Field::content_type].text)) {
    part.type_given = true;
    part.type = std::move(*type);
  } else if (!fields_[Field::content_type].present && !part.is_message && structure_.parts[part.parent].type.is("multipart", "digest")) {
    part.type = {"message", "rfc822", {}};  // RFC 2046 5.1.5
  }
  if (auto disposition = parse_disposition(fields_[Field::disposition].text)) {
    if (charge(cost(disposition->parameters)))
      part.disposition = std::move(*disposition);
    else
      part.header_cut = true;
  }
  part.languages = parse_languages(fields_[Field::language].text);
  if (!charge(part.languages.size() * sizeof(std::string) + fields_[Field::language].text.size())) {
    part.languages.clear();
    part.header_cut = true;
  }
  if (fields_.cut()) part.header_cut = true;
  if (!part.is_message) return;
  if (exhausted_) {
    part.header_cut = true;
    return;
  }
  Envelope envelope = make_envelope(fields_);
  if (!charge(cost(envelope))) {
    exhausted_ = part.header_cut = true;  // addresses cost time: no more of them are read
    return;
  }
  part.envelope = static_cast<std::uint32_t>(structure_.envelopes.size());
  structure_.envelopes.push_back(std::move(envelope));
}

// The innermost part's header is over, and its body begins `at`.
void MimeParser::end_header(std::uint64_t at) {
  Part& part = innermost();
  in_header_ = false;
  part.body_begin = part.body_end = at;
  open_.back().lines = lines_;
  part.header_lines = lines_ - open_.back().header_lines;
  read_fields(part);
  choose_kind(at);
}

void MimeParser::begin_multipart(Part& part) {
  const auto& parameters = part.type.parameters;
  const auto found = std::ranges::find(parameters, "boundary", &Parameter::name);
  if (found == parameters.end() || found->value.empty()) {
    part.no_boundary = true;
    return;
  }
  part.kind = Part::Kind::multipart;
  open_.back().boundary = "--" + (found->extended ? decoded(*found) : found->value);
  look_for_boundaries();
}

void MimeParser::choose_kind(std::uint64_t at) {
  Part& part = innermost();
  const bool multipart = part.type.type == "multipart";
  // RFC 2046 5.2.1: 7bit, 8bit and binary alone. RFC 2045 6.4 says so of multipart too, but there other names are a sender's mistake.
  const bool message = holds_message(part.type) && is_identity(part.encoding);
  const bool full = part.depth >= kMaxMimeDepth || structure_.parts.size() + 1 >= kMaxMimeParts;
  if ((multipart || message) && full)
    part.limit = structure_.limited = true;
  else if (multipart)
    begin_multipart(part);
  const bool descend = message && !part.limit;
  if (descend) part.kind = Part::Kind::message;
  if (!charge(cost(part.type.parameters))) {
    part.type.parameters.clear();
    part.header_cut = true;
  }
  if (descend) begin_part(open_.back().part, true, at);
}

void MimeParser::look_for_boundaries() {
  longest_ = 0;
  if (rest_) return;
  for (const auto& open : open_) {
    if (!open.boundary.empty()) longest_ = std::max(longest_, open.boundary.size() + 4);
  }
}

// Whether the line is a boundary, and whose.
std::optional<MimeParser::Match> MimeParser::find_boundary() const {
  if (longest_ == 0 || !line_.starts_with("--")) return std::nullopt;
  const std::string_view line = line_;
  std::pair<bool, std::size_t> best{false, 0};  // it fills the line, its length
  Match out;
  for (std::size_t level = open_.size(); level-- > 0;) {
    const auto& boundary = open_[level].boundary;
    if (boundary.empty() || !line.starts_with(boundary)) continue;
    auto after = line.substr(boundary.size());
    const bool closing = after.starts_with("--");
    if (closing) after.remove_prefix(2);
    const std::pair<bool, std::size_t> quality{after.find_first_not_of(" \t\r") == std::string_view::npos, boundary.size()};
    if (quality <= best) continue;
    best = quality;
    out = {level, closing};
  }
  if (best.second == 0) return std::nullopt;
  return out;
}

// The parts of `level` and all inside end.
void MimeParser::close(std::size_t level, std::uint64_t end) {
  const std::uint64_t lines = end < line_begin_ ? lines_ - 1 : lines_;
  while (open_.size() > level) {
    Part& part = innermost();
    part.body_end = end;
    part.body_lines = lines - std::min(lines, open_.back().lines);
    open_.pop_back();
  }
}

void MimeParser::take_boundary(Match match, bool newline) {
  while (in_header_) end_header(line_begin_);
  close(match.level + 1, std::max(line_begin_ - line_end_, innermost().body_begin));
  if (match.closing) {
    innermost().closed = true;
    open_.back().boundary.clear();  // RFC 2046 5.1.1: what follows is the epilogue
  }
  look_for_boundaries();
  if (match.closing) return;
  const unsigned line_end = newline ? 1 : 0;
  lines_ += line_end;  // the new part's header begins behind this line
  begin_part(open_.back().part, false, position_ + line_end);
  lines_ -= line_end;
}

// A piece of a line, without its LF.
void MimeParser::take_line(std::string_view piece) {
  position_ += piece.size();
  if (piece.empty()) return;
  last_ = piece.back();
  const std::size_t want = in_header_ ? kMaxHeaderLine : longest_;
  if (line_.size() >= want) {
    line_cut_ = true;
    return;
  }
  // of a body only what may be a boundary is of interest
  if (!in_header_ && (line_.empty() ? piece[0] != '-' || line_cut_ : line_[0] != '-')) {
    line_cut_ = true;
    return;
  }
  line_cut_ = piece.size() > want - line_.size();
  line_ += piece.substr(0, want - line_.size());
}

// The line ends: with a LF, or because the message does.
void MimeParser::end_line(bool newline) {
  const unsigned line_end = !newline ? 0 : last_ == '\r' ? 2 : 1;
  const std::uint64_t next_line = position_ + (newline ? 1 : 0);
  if (const auto match = find_boundary()) {
    take_boundary(*match, newline);
  } else if (in_header_) {
    if (line_cut_)
      fields_.mark_cut();
    else if (line_end == 2)
      line_.pop_back();
    if (line_.empty()) {
      ++lines_;
      innermost().header_ended = true;
      end_header(next_line);
      --lines_;
    } else {
      fields_.line(line_);
    }
  }
  line_.clear();
  line_cut_ = false;
  last_ = '\0';
  line_end_ = line_end;
  lines_ += newline ? 1 : 0;
  position_ = line_begin_ = next_line;
}

void MimeParser::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    take_line(bytes.substr(0, newline));
    if (newline == std::string_view::npos) return;
    end_line(true);
    bytes.remove_prefix(newline + 1);
  }
}

Structure MimeParser::finish() {
  if (position_ > line_begin_) end_line(false);
  while (in_header_) end_header(position_);
  close(0, position_);
  structure_.size = position_;
  structure_.lines = lines_;
  return std::move(structure_);
}

Structure parse_mime(std::string_view message) {
  MimeParser parser;
  parser.feed(message);
  return parser.finish();
}

}  // namespace godwit::message
