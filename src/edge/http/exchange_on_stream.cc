#include "edge/http/exchange_on_stream.h"

#include <algorithm>
#include <array>

namespace godwit::http {
namespace {

constexpr std::size_t kPiece = 16 << 10;

std::string render(const Request& request, const std::string& authority) {
  std::string text = request.method + ' ' + request.target + " HTTP/1.1\r\nHost: " + authority +
                     "\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  return text + "\r\n" + request.body;
}

Error too_slow() { return Error::temporary(Error::Cause::timed_out, "the server takes too long"); }

}  // namespace

Task<Result<Exchanged>> exchange(net::Stream& stream, Clock& clock, Request request, std::string authority, ResponseLimits limits,
                                 Duration timeout) {
  const SteadyTime until = clock.steady() + timeout;
  const auto left = [&] { return until - clock.steady(); };
  const std::string bytes = render(request, authority);
  std::string_view rest = bytes;
  while (!rest.empty()) {  // in pieces: the time-out of a write is for its progress alone
    if (left() <= Duration(0)) co_return fail(too_slow());
    const std::string_view piece = rest.substr(0, kPiece);
    const auto written = co_await stream.write(piece, left());
    if (!written && written.error().cause == Error::Cause::closed) break;  // it may have said why
    if (!written) co_return fail(written.error());
    rest.remove_prefix(piece.size());
  }
  ResponseReader reader(limits, request.method == "HEAD");
  std::array<char, 4'096> buffer;
  while (!reader.done()) {
    if (left() <= Duration(0)) co_return fail(too_slow());
    const auto count = co_await stream.read(buffer, left());
    if (!count) co_return fail(count.error());
    if (*count == 0) {
      GODWIT_CO_TRY(reader.finish());
      break;
    }
    GODWIT_CO_TRY(reader.feed(std::string_view(buffer.data(), *count)));
  }
  const bool keeps_alive = rest.empty() && reader.keeps_alive();
  co_return Exchanged{reader.take(), keeps_alive};
}

}  // namespace godwit::http
