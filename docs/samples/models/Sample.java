import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

class Sample {
    static final String URL = System.getenv().getOrDefault("HEADGATE_URL", "http://127.0.0.1:8787");
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    /** Sends a request and returns the answer; throws the error of the answer. */
    static JsonObject call(String method, String path, String body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(URL + path))
                .header("Authorization", "Bearer " + System.getenv("HEADGATE_API_KEY"))
                .header("Content-Type", "application/json")
                .timeout(Duration.ofMinutes(2))
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .build();
        var response = CLIENT.send(request, BodyHandlers.ofString());
        var answer = JsonParser.parseString(response.body()).getAsJsonObject();
        if (response.statusCode() >= 400) {
            var error = answer.getAsJsonObject("error");
            throw new IOException(error.get("code").getAsString() + ": " + error.get("message").getAsString());
        }
        return answer;
    }

    public static void main(String[] arguments) throws Exception {
        for (var element : call("GET", "/v1/models", null).getAsJsonArray("data")) {
            var model = element.getAsJsonObject();
            var operations = model.getAsJsonObject("headgate").getAsJsonArray("operations");
            System.out.println(model.get("id").getAsString() + ": " + StreamSupport.stream(operations.spliterator(), false)
                    .map(JsonElement::getAsString)
                    .collect(Collectors.joining(", ")));
        }
    }
}
