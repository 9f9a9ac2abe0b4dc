#pragma once
// Takes a report apart as a strict reader would; for the test and the fuzz target of build_report.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::dsn {

struct Structure {
  struct Part {
    std::string header;
    std::string body;
  };
  std::string header;
  std::vector<Part> parts;
  std::string boundary;
};

// The reason why it is no well-formed report; "" if it is.
inline std::string structure_fault(std::string_view bytes, Structure& out) {
  for (std::size_t i = 0, line = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\0') return "NUL";
    if (c == '\n') return "bare LF";
    if (c == '\r') {
      if (bytes.substr(i, 2) != "\r\n") return "bare CR";
      ++i;
      line = 0;
    } else if (++line > 998) {
      return "line too long";
    }
  }
  const auto split = [](std::string_view text, std::string& header, std::string& body) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    header = text.substr(0, end + 2);
    body = text.substr(end + 4);
    return true;
  };
  std::string body;
  if (!split(bytes, out.header, body)) return "no empty line after the header";
  const std::size_t type = out.header.find("\r\nContent-Type: multipart/report;");
  const std::size_t at = type == std::string::npos ? type : out.header.find("boundary=\"", type);
  if (at == std::string::npos) return "no boundary parameter";
  out.boundary = out.header.substr(at + 10, out.header.find('"', at + 10) - at - 10);
  if (out.boundary.empty() || out.boundary.size() > 70) return "boundary of a wrong length";
  const std::string delimiter = "\r\n--" + out.boundary;
  std::string rest = "\r\n" + body;
  std::size_t from = rest.find(delimiter);
  while (from != std::string::npos) {
    from += delimiter.size();
    const std::size_t to = rest.find(delimiter, from);
    if (to == std::string::npos) return rest.substr(from) == "--\r\n" ? "" : "no closing delimiter";
    if (rest.substr(from, 2) != "\r\n") return "text behind a delimiter";
    Structure::Part part;
    if (!split(std::string_view(rest).substr(from + 2, to - from - 2), part.header, part.body)) return "part without an empty line";
    out.parts.push_back(std::move(part));
    from = to;
  }
  return "no delimiter";
}

}  // namespace godwit::dsn
