#include "edge/http/response_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace godwit::http {

namespace beast = boost::beast::http;

struct ResponseReader::Impl {
  beast::response_parser<beast::string_body> parser;
  std::string buffer;
  bool ended = false;
  bool chunked = false;
};

ResponseReader::ResponseReader(ResponseLimits limits, bool head) : impl_(std::make_unique<Impl>()) {
  impl_->parser.header_limit(limits.header);
  impl_->parser.body_limit(limits.body);
  impl_->parser.eager(false);  // the header first
  impl_->parser.skip(head);
}

ResponseReader::~ResponseReader() = default;

Result<void> ResponseReader::feed(std::string_view bytes) {
  std::string& buffer = impl_->buffer;
  buffer += bytes;
  boost::system::error_code error;
  while (!buffer.empty() && !done() && !error) {
    buffer.erase(0, impl_->parser.put(boost::asio::const_buffer(buffer.data(), buffer.size()), error));
    // Beast 1.81 asserts on some chunked bodies (a line end in place of a size): a peer must not end us. Nobody here needs such a body.
    impl_->chunked = impl_->parser.is_header_done() && impl_->parser.chunked();
  }
  if (!error || error == beast::error::need_more) return {};
  if (error == beast::error::body_limit || error == beast::error::header_limit)
    return fail(Error::permanent(Error::Cause::limit, "the HTTP response is too long"));
  return fail(Error::syntax("not an HTTP response: " + error.message(), 0));
}

Result<void> ResponseReader::finish() {
  boost::system::error_code error;
  impl_->ended = true;
  if (done()) return {};
  if (impl_->parser.got_some()) impl_->parser.put_eof(error);
  if (error || !impl_->parser.is_done()) return fail(Error::temporary(Error::Cause::closed, "the server ended before its answer did"));
  return {};
}

bool ResponseReader::done() const { return impl_->chunked || impl_->parser.is_done(); }

bool ResponseReader::keeps_alive() const {
  return done() && !impl_->chunked && !impl_->ended && impl_->buffer.empty() && impl_->parser.get().keep_alive();
}

Response ResponseReader::take() {
  Response response;
  auto& message = impl_->parser.get();
  response.status = message.result_int();
  response.content_type.clear();
  for (const auto& field : message) {
    response.headers.emplace_back(field.name_string(), field.value());
    if (field.name() == beast::field::content_type) response.content_type = std::string(field.value());
  }
  response.body = std::move(message.body());
  return response;
}

}  // namespace godwit::http
