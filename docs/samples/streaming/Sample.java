import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.function.Consumer;

class Sample {
    static final String URL = System.getenv().getOrDefault("HEADGATE_URL", "http://127.0.0.1:8787");

    static IOException fault(JsonObject part) {
        var error = part.getAsJsonObject("error");
        return new IOException(error.get("code").getAsString() + ": " + error.get("message").getAsString());
    }

    /** Gives show every part of a streamed answer; throws when it fails or is cut. */
    static void stream(String body, Consumer<JsonObject> show) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(URL + "/v1/chat/completions"))
                .header("Authorization", "Bearer " + System.getenv("HEADGATE_API_KEY"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build();
        var response = HttpClient.newHttpClient().send(request, BodyHandlers.ofLines());
        try (var lines = response.body()) {
            for (var line : (Iterable<String>) lines::iterator) {
                if (line.equals("data: [DONE]")) {
                    return;
                }
                if (line.startsWith("data: ") || response.statusCode() >= 400) {
                    var part = JsonParser.parseString(line.replaceFirst("^data: ", "")).getAsJsonObject();
                    if (part.has("error")) {
                        throw fault(part);
                    }
                    show.accept(part);
                }
            }
        }
        throw new IOException("The stream was cut.");
    }

    public static void main(String[] arguments) throws Exception {
        stream("""
                {"model": "demo", "messages": [{"role": "user", "content": "Count to three."}],
                 "stream": true, "stream_options": {"include_usage": true}}""", part -> {
            for (var choice : part.getAsJsonArray("choices")) {
                var delta = choice.getAsJsonObject().getAsJsonObject("delta");
                if (delta.has("content")) {
                    System.out.print(delta.get("content").getAsString());
                }
            }
            if (part.has("usage")) {
                System.out.printf("%n%d tokens, %s USD%n", part.getAsJsonObject("usage").get("total_tokens").getAsInt(),
                        part.getAsJsonObject("headgate").get("cost_usd").getAsString());
            }
        });
    }
}
