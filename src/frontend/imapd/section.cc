#include "frontend/imapd/section.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "frontend/imapd/decoding_place.h"

namespace godwit::imapd {
namespace {

using Kind = imap::FetchItem::Kind;
using Text = imap::Section::Text;

Text text_of(const imap::FetchItem& item) {
  switch (item.kind) {
    case Kind::rfc822_header: return Text::header;
    case Kind::rfc822_text: return Text::text;
    case Kind::rfc822: return Text::whole;
    default: return item.section.text;
  }
}

message::Section section_of(Text text) {
  switch (text) {
    case Text::whole: return message::Section::body;
    case Text::text: return message::Section::text;
    case Text::mime: return message::Section::mime;
    case Text::header:
    case Text::header_fields:
    case Text::header_fields_not: return message::Section::header;
  }
  return message::Section::body;
}

bool is_binary(const imap::FetchItem& item) { return item.kind == Kind::binary || item.kind == Kind::binary_size; }

Located locate_binary(const imap::FetchItem& item, const message::Structure& structure, const imap::Dialect& dialect) {
  const auto& numbers = item.section.part;
  const auto index = message::find_part(structure, numbers);
  const auto range = message::find_section(structure, numbers, message::Section::body);
  if (!index || !range) return {};
  if (numbers.empty()) return {Located::Form::decoded, *range, message::TransferEncoding::binary};
  const auto& part = structure.parts[*index];
  if (part.kind != message::Part::Kind::leaf) {
    if (dialect.rev2) return {Located::Form::composite, *range, {}};
    return {Located::Form::decoded, *range, message::TransferEncoding::binary};
  }
  if (part.encoding == message::TransferEncoding::unknown) return {Located::Form::unknown_encoding, *range, {}};
  return {Located::Form::decoded, *range, part.encoding};
}

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

Error too_short() { return Error::permanent(Error::Cause::corrupt, "the message is shorter than it was"); }

}  // namespace

SectionNeeds needs_of(const imap::FetchItem& item) {
  if (!item.section.part.empty()) return SectionNeeds::structure;
  return text_of(item) == Text::whole ? SectionNeeds::nothing : SectionNeeds::header_end;
}

message::Structure plain_structure(std::uint64_t header_end, std::uint64_t size) {
  message::Structure out;
  message::Part& root = out.parts.emplace_back();
  root.body_begin = header_end;
  root.body_end = out.size = size;
  return out;
}

Located locate(const imap::FetchItem& item, const message::Structure& structure, const imap::Dialect& dialect) {
  if (is_binary(item)) return locate_binary(item, structure, dialect);
  const Text text = text_of(item);
  const auto range = message::find_section(structure, item.section.part, section_of(text));
  if (!range) return {};
  const bool fields = text == Text::header_fields || text == Text::header_fields_not;
  return {fields ? Located::Form::fields : Located::Form::raw, *range, {}};
}

Task<Result<std::string_view>> MessageReader::read(std::uint64_t offset, std::uint64_t end) {
  const std::uint64_t window_end = window_begin_ + window_.size();
  if (offset < window_begin_ || offset >= window_end) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end - offset));
    auto bytes = co_await mailbox::read_bytes(blobs_, email_, offset, length);
    if (!bytes) co_return fail(std::move(bytes).error());
    if (bytes->empty()) co_return fail(too_short());
    window_ = std::move(*bytes);
    window_begin_ = offset;
  }
  const std::string_view rest = std::string_view(window_).substr(static_cast<std::size_t>(offset - window_begin_));
  co_return rest.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), end - offset)));
}

Task<Result<std::uint64_t>> MessageReader::header_end() {
  if (header_end_) co_return *header_end_;
  HeaderEnd scan;
  for (std::uint64_t at = 0; at < size();) {
    const std::uint64_t end = std::min<std::uint64_t>(size(), at + kHeaderPiece);
    GODWIT_CO_ASSIGN(const auto bytes, co_await read(at, end));
    if (scan.feed(bytes)) break;
    at += bytes.size();
  }
  header_end_ = scan.position();
  co_return *header_end_;
}

SectionStream::SectionStream(MessageReader& reader, const Located& located, const imap::FetchItem& item, DecodingPlace* place)
    : reader_(reader),
      located_(located),
      item_(item),
      binary_(is_binary(item)),
      place_(item.partial ? place : nullptr),
      begin_position_(located.range.begin) {
  if (!item.partial) return;
  want_begin_ = item.partial->offset;
  want_end_ = saturating_sum(item.partial->offset, item.partial->count);
}

void SectionStream::find_beginning() {
  if (located_.form != Located::Form::decoded) return;
  if (message::is_identity(located_.encoding)) {
    begin_produced_ = std::min(want_begin_, located_.range.end - located_.range.begin);
    begin_position_ += begin_produced_;
  } else if (auto known = place_ ? place_->find(reader_.email(), located_, want_begin_) : std::nullopt) {
    begin_position_ = known->position;
    begin_produced_ = known->produced;
    begin_decoder_ = std::move(known->decoder);
  }
}

void SectionStream::rewind() {
  position_ = begin_position_;
  produced_ = begin_produced_;
  if (located_.form == Located::Form::decoded) {
    filter_ = begin_decoder_ ? *begin_decoder_ : message::ContentDecoder(located_.encoding);
  } else if (located_.form == Located::Form::fields) {
    filter_.emplace<HeaderFilter>(item_.section.fields, item_.section.text == Text::header_fields);
  }
}

Task<Result<void>> SectionStream::prepare() {
  if (located_.range.end > reader_.size() || located_.range.begin > located_.range.end) co_return fail(too_short());
  if (located_.form != Located::Form::raw) co_return co_await prepare_filtered();
  const std::uint64_t length = located_.range.end - located_.range.begin;
  const std::uint64_t begin = std::min(want_begin_, length);
  position_ = located_.range.begin + begin;
  size_ = std::min(want_end_, length) - begin;
  if (size_ == 0) co_return Result<void>();
  const std::uint64_t end = position_ + size_;
  GODWIT_CO_TRY(co_await reader_.read(position_, end));
  co_return Result<void>();
}

Task<Result<void>> SectionStream::prepare_filtered() {
  const bool to_be_sent = item_.kind != Kind::binary_size;
  std::string made;
  bool kept = true;
  find_beginning();
  rewind();
  for (bool more = true; more;) {
    const std::size_t before = made.size();
    GODWIT_CO_ASSIGN(more, co_await step(made));
    const std::string_view fresh = std::string_view(made).substr(before);
    size_ += fresh.size();
    if (binary_ && fresh.contains('\0')) has_nul_ = true;
    if (made.size() > kMaxKept || !to_be_sent) {
      kept = false;
      made.clear();
    } else if (!kept) {
      made.clear();
    }
  }
  if (kept) {
    kept_ = std::move(made);
  } else {
    rewind();
  }
  co_return Result<void>();
}

void SectionStream::filter(std::string_view bytes, std::string& out) {
  if (auto* decoder = std::get_if<message::ContentDecoder>(&filter_)) {
    decoder->feed(bytes, out);
  } else if (auto* fields = std::get_if<HeaderFilter>(&filter_)) {
    fields->feed(bytes, out);
  }
}

void SectionStream::finish_filter(std::string& out) {
  if (auto* decoder = std::get_if<message::ContentDecoder>(&filter_)) {
    decoder->finish(out);
  } else if (auto* fields = std::get_if<HeaderFilter>(&filter_)) {
    fields->finish(out);
  }
}

bool SectionStream::filter_done() const {
  const auto* fields = std::get_if<HeaderFilter>(&filter_);
  return fields != nullptr && fields->done();
}

Task<Result<bool>> SectionStream::step(std::string& out) {
  piece_.clear();
  if (const auto* decoder = std::get_if<message::ContentDecoder>(&filter_); decoder && place_)
    place_->keep(reader_.email(), located_, {position_, produced_, *decoder});
  bool last = position_ >= located_.range.end || filter_done();
  if (!last) {
    GODWIT_CO_ASSIGN(const auto bytes, co_await reader_.read(position_, located_.range.end));
    position_ += bytes.size();
    filter(bytes, piece_);
    last = position_ >= located_.range.end || filter_done();
  }
  if (last) finish_filter(piece_);
  const std::uint64_t begin = std::clamp(want_begin_, produced_, produced_ + piece_.size()) - produced_;
  const std::uint64_t end = std::clamp(want_end_, produced_, produced_ + piece_.size()) - produced_;
  if (end > begin) out.append(piece_, static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  produced_ += piece_.size();
  co_return !last && produced_ < want_end_;
}

Task<Result<void>> SectionStream::append_next(std::string& out) {
  const std::size_t before = out.size();
  if (kept_) {
    out += *kept_;
    kept_ = std::string();
  } else if (located_.form == Located::Form::raw) {
    const std::uint64_t end = position_ + left();
    GODWIT_CO_ASSIGN(const auto bytes, co_await reader_.read(position_, end));
    position_ += bytes.size();
    out += bytes;
  } else {
    GODWIT_CO_ASSIGN(const bool more, co_await step(out));
    if (!more && out.size() - before < left()) co_return fail(too_short());
  }
  given_ += out.size() - before;
  if (!binary_) {
    for (auto at = out.find('\0', before); at != std::string::npos; at = out.find('\0', at)) out[at] = '\x80';
  }
  co_return Result<void>();
}

}  // namespace godwit::imapd
