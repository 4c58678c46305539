package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

type object = map[string]any

// call sends a request and returns the bytes of the answer; the error of an answer becomes the error returned.
func call(path string, body any) ([]byte, error) {
	url := os.Getenv("HEADGATE_URL")
	if url == "" {
		url = "http://127.0.0.1:8787"
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest("POST", url+path, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("HEADGATE_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 2 * time.Minute}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		var refusal struct {
			Error struct{ Code, Message string }
		}
		if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: %s", refusal.Error.Code, refusal.Error.Message)
	}
	return io.ReadAll(response.Body)
}

func main() {
	text, err := call("/v1/images/generations", object{"model": "demo", "prompt": "A lighthouse in a storm", "size": "64x64"})
	if err != nil {
		log.Fatal(err)
	}
	var answer struct {
		Data []struct {
			Base64 string `json:"b64_json"`
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		log.Fatal(err)
	}
	picture, err := base64.StdEncoding.DecodeString(answer.Data[0].Base64)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("a picture in %s\n", picture[1:4])

	words := object{"model": "demo", "voice": "alloy", "input": "Welcome to Headgate", "response_format": "wav"}
	sound, err := call("/v1/audio/speech", words)
	if err != nil {
		log.Fatal(err)
	}
	// A WAV file: 44 bytes of header, then 48,000 bytes a second.
	fmt.Printf("%.2f seconds of sound\n", float64(len(sound)-44)/48000)
}
